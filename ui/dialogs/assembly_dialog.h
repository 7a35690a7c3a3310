// SPDX-License-Identifier: Apache-2.0
// The review before an array is assembled: which members take part and why, where writes go, and
// every byte range that would be written. The button says what it does.
#pragma once

#include "engine/session/engine.h"

#include <QDialog>
#include <QFutureWatcher>

#include <memory>

class QCheckBox;
class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QRadioButton;
class QTabWidget;
class QTreeWidget;
class QVBoxLayout;

namespace bitmend {

class ForceChanges;
class ForceChoices;
class VerdictBox;
class WritesView;

class AssemblyDialog : public QDialog
{
    Q_OBJECT

public:
    AssemblyDialog(Engine& engine, const ArrayView& array, QWidget* parent = nullptr);

    // What was agreed to; valid once accepted.
    const AssemblyPlan& plan() const { return m_plan; }
    std::filesystem::path overlay() const; // empty when read-only or in place

private:
    QWidget* makeMembers();
    QWidget* makeWriting();
    void fillMembers();
    void replan();
    void showForce();
    void show(const Result<AssemblyPlan>& plan);
    void chooseFolder();
    void describeFolder();
    void permit();
    WriteMode mode() const;
    AssemblyChoices choices() const;

    Engine& m_engine;
    ArrayView m_array;
    AssemblyPlan m_plan;
    std::string m_restoreFile; // of writing in place
    bool m_planned = false;    // m_plan is what the choices make of it
    std::unique_ptr<QFutureWatcher<Result<AssemblyPlan>>> m_planning;
    QTreeWidget* m_members = nullptr;
    QComboBox* m_reference = nullptr;
    QLabel* m_referenceLabel = nullptr;
    QRadioButton* m_readOnly = nullptr;
    QRadioButton* m_onOverlay = nullptr;
    QRadioButton* m_inPlace = nullptr;
    QWidget* m_folderRow = nullptr;
    QLineEdit* m_folder = nullptr;
    QLabel* m_folderNote = nullptr;
    QWidget* m_inPlaceRow = nullptr;
    QCheckBox* m_seen = nullptr; // the list of what would be written in place
    VerdictBox* m_verdict = nullptr;
    WritesView* m_writes = nullptr;
    ForceChoices* m_force = nullptr;
    ForceChanges* m_changes = nullptr;
    QTabWidget* m_results = nullptr; // the writes, and what force changes
    QPushButton* m_assemble = nullptr;
};

// A folder of the user's own that does not exist yet, named after the array.
QString suggestedOverlayFolder(const ArrayReport& array);

} // namespace bitmend
