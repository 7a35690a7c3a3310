// SPDX-License-Identifier: Apache-2.0
// Every command of the window in one place: its words, its shortcut, and whether it is possible
// now. What is not possible says in its tooltip why.
#pragma once

#include "ui/badge.h"

class QAction;
class QObject;

namespace bitmend {

struct Actions
{
    QAction* openImages;
    QAction* openFolder;
    QAction* scanDisks;
    QAction* rescan;
    QAction* saveLog;
    QAction* quit;

    QAction* assemble;
    QAction* resync;
    QAction* recover;
    QAction* hotAdd;
    QAction* stop;
    QAction* lookAtMembers; // instead of at the overlays
    QAction* pauseJob;

    QAction* demo;
    QAction* shortcuts;
    QAction* about;

    // A stand-in for the verdict's button while something runs.
    QAction* busy;

    explicit Actions(QObject* parent);

    // `array` null: none is chosen.
    void allow(const ArrayView* array, Activity activity);

    // The safe next step for this array; null when there is nothing to do.
    QAction* nextStep(const ArrayView& array, Activity activity) const;
};

} // namespace bitmend
