// SPDX-License-Identifier: Apache-2.0
// Everything about one array: its name and state, the verdict with the safe next step, its members,
// its write-intent bitmap, its superblocks, its stripes.
#pragma once

#include "engine/array/sync.h"
#include "ui/models/members_model.h"

#include <QWidget>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

class QAction;
class QLabel;
class QTabWidget;

namespace bitmend {

class BitmapHeatmap;
class MembersView;
class Pill;
class StripeTab;
class SuperblocksView;
class VerdictBox;

class ArrayPage : public QWidget
{
    Q_OBJECT

public:
    explicit ArrayPage(QWidget* parent = nullptr);

    void setArray(
        const ArrayView& array, Activity activity, const std::vector<ScannedSource>& sources);
    void setFrame(const BitmapFramePtr& frame);
    std::string chosenMember() const; // its path; empty: none
    void setStep(QAction* step);
    void setCompared(const std::shared_ptr<const SyncOutcome>& outcome); // null: not compared yet
    void showDifferences();
    BitmapHeatmap& heatmap() { return *m_heatmap; }
    StripeTab& stripe() { return *m_stripe; }

signals:
    void memberChosen();
    void memberMenuWanted(QPoint globalPosition);

private:
    QWidget* makeOverview();
    void showStripeOf(quint64 chunk);
    void showSuperblocks(const std::vector<Member>& members);

    QLabel* m_title;
    Pill* m_pill;
    QLabel* m_subtitle;
    VerdictBox* m_verdict;
    QTabWidget* m_tabs;
    MembersModel m_model;
    MembersView* m_members;
    BitmapHeatmap* m_heatmap;
    QLabel* m_noBitmap;
    SuperblocksView* m_superblocks;
    StripeTab* m_stripe;
    std::optional<Uuid> m_shown;
    bool m_isOpen = false;
    std::vector<std::pair<std::string, const void*>> m_shownSuperblocks; // compared, not followed
};

} // namespace bitmend
