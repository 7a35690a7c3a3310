// SPDX-License-Identifier: Apache-2.0
// Choosing the member for a vacant slot, or in place of one that is there, with what will be read
// and written before it is.
#pragma once

#include "engine/session/engine.h"

#include <QDialog>
#include <QFutureWatcher>

#include <memory>
#include <string>

class QLabel;
class QListWidget;
class QPushButton;

namespace bitmend {

class WritesView;

class HotAddDialog : public QDialog
{
    Q_OBJECT

public:
    // `original`: the member to be replaced; empty: none.
    HotAddDialog(
        Engine& engine, const ArrayView& array, std::string original, QWidget* parent = nullptr);

    const HotAddPlan& plan() const { return m_plan; } // once accepted

private:
    void addCandidate(const std::string& path, const QString& name, const QString& note);
    void chooseFile();
    void replan();
    void show(const Result<HotAddPlan>& plan);

    Engine& m_engine;
    Uuid m_uuid;
    QString m_array;
    std::string m_original;
    HotAddPlan m_plan;
    std::unique_ptr<QFutureWatcher<Result<HotAddPlan>>> m_planning;
    QListWidget* m_candidates;
    QLabel* m_cost;
    WritesView* m_writes;
    QPushButton* m_add = nullptr;
};

} // namespace bitmend
