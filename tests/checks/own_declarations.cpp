// SPDX-License-Identifier: Apache-2.0
// For clang-tidy: its checks look at our own declarations only, not at every one of the system's
// headers, whose findings it would throw away in the end. Loaded by tidy.py.
#include <clang/AST/ASTConsumer.h>
#include <clang/AST/ASTContext.h>
#include <clang/Basic/SourceManager.h>
#include <clang/Frontend/CompilerInstance.h>
#include <clang/Frontend/FrontendPluginRegistry.h>

namespace {

class OwnDeclarations : public clang::ASTConsumer
{
public:
    explicit OwnDeclarations(clang::CompilerInstance& compiler) : m_compiler(compiler) {}

    bool HandleTopLevelDecl(clang::DeclGroupRef group) override
    {
        for (clang::Decl* declaration : group) {
            if (!m_compiler.getSourceManager().isInSystemHeader(declaration->getLocation()))
                m_own.push_back(declaration);
        }
        return true;
    }

    void HandleTranslationUnit(clang::ASTContext& context) override
    {
        context.setTraversalScope(m_own);
    }

private:
    clang::CompilerInstance& m_compiler;
    std::vector<clang::Decl*> m_own;
};

class LookAtOwn : public clang::PluginASTAction
{
    std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(
        clang::CompilerInstance& compiler, llvm::StringRef) override
    {
        return std::make_unique<OwnDeclarations>(compiler);
    }

    bool ParseArgs(const clang::CompilerInstance&, const std::vector<std::string>&) override
    {
        return true;
    }

    ActionType getActionType() override { return AddBeforeMainAction; }
};

const clang::FrontendPluginRegistry::Add<LookAtOwn> kRegistered("look-at-own", "");

} // namespace
