// SPDX-License-Identifier: Apache-2.0
#include "ui/text.h"

#include <QCoreApplication>
#include <QFile>
#include <QRegularExpression>

namespace bitmend {

namespace {

QString fromUtf8(std::string_view utf8)
{
    return QString::fromUtf8(utf8.data(), qsizetype(utf8.size()));
}

// Not QString::arg: an argument that itself holds "%1", as a file name may, must stay as it is.
QString filled(const QString& pattern, const std::vector<std::string>& arguments)
{
    QString result;
    for (qsizetype i = 0; i < pattern.size(); ++i) {
        const int digit = i + 1 < pattern.size() ? pattern[i + 1].digitValue() : -1;
        if (pattern[i] == u'%' && digit >= 1 && std::size_t(digit) <= arguments.size()) {
            result += fromUtf8(arguments[std::size_t(digit) - 1]);
            ++i;
        } else {
            result += pattern[i];
        }
    }
    return result;
}

QString translated(std::string_view english)
{
    return QCoreApplication::translate("words", std::string(english).c_str());
}

} // namespace

QString text(const Phrase& phrase) { return filled(translated(phrase.pattern), phrase.arguments); }

QString text(std::string_view word) { return translated(word); }

QString text(const std::vector<Phrase>& phrases)
{
    QStringList sentences;
    for (const auto& phrase : phrases)
        sentences += text(phrase);
    return sentences.join(u' ');
}

QString text(const Error& error) { return text(sentence(error)); }

QString sizeText(std::uint64_t bytes) { return fromUtf8(iecSize(bytes)); }

QString exactSize(std::uint64_t bytes)
{
    return QCoreApplication::translate("text", "%1 bytes, %2 sectors")
        .arg(numberText(bytes), numberText(bytes / kSectorBytes));
}

QString numberText(std::uint64_t number) { return fromUtf8(grouped(number)); }

QString timeText(std::int64_t seconds)
{
    return seconds == 0 ? QStringLiteral("\u2013") : fromUtf8(utcText(seconds));
}

QString pathText(const std::string& path)
{
    return QFile::decodeName(QByteArray::fromStdString(path));
}

std::string pathOf(const QString& path) { return QFile::encodeName(path).toStdString(); }

QString plainName(const std::string& name)
{
    return QString::fromStdString(name).replace(
        QRegularExpression(QStringLiteral("[^\\w.-]+")), QStringLiteral("-"));
}

QString nameOf(const std::string& path, const std::string& label)
{
    if (!label.empty())
        return fromUtf8(label);
    return pathText(path.substr(path.rfind('/') + 1));
}

QString levelText(int level) { return fromUtf8(levelName(level)); }

} // namespace bitmend
