// SPDX-License-Identifier: Apache-2.0
// Every command of the window in one place: its words, its shortcut, and whether it is possible
// now. What is possible says in its menu what it would read and write, what is not says in its
// tooltip why.
#pragma once

#include "ui/badge.h"

#include <string>

class QAction;
class QObject;

namespace bitmend {

// What the commands are about to be used on.
struct Situation
{
    const ArrayView* array = nullptr; // null: none is chosen
    Activity activity = Activity::None;
    bool isWriting = false;
    bool isMounting = false;
    bool isDemo = false;
    std::string member; // the path of the chosen one; empty: none
};

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
    QAction* check;
    QAction* repair;
    QAction* hotAdd;
    QAction* addBitmap;
    QAction* removeBitmap;
    QAction* mount; // and open the folder
    QAction* unmount;
    QAction* stop;
    QAction* lookAtMembers; // instead of at the overlays
    QAction* pauseJob;

    // On the chosen member.
    QAction* replace;
    QAction* reAdd;
    QAction* fail;
    QAction* remove;

    QAction* demo;
    QAction* writeSomething; // into the demo
    QAction* pullPlug;       // of the demo, while it is written to
    QAction* shortcuts;
    QAction* about;

    // A stand-in for the verdict's button while something runs.
    QAction* busy;

    explicit Actions(QObject* parent);

    void allow(const Situation& situation);

    // The safe next step for this array; null when there is nothing to do.
    QAction* nextStep(const ArrayView& array, Activity activity) const;

private:
    void allowSyncs(const Situation& now);
    void allowMembership(const Situation& now);
    void allowBitmap(const Situation& now);
    void allowMount(const Situation& now);
};

// Why this planned array is not assembled so; empty when it is.
QString whyNotOpened(const ArrayReport& planned, WriteMode mode);

// The member that reAdd takes: the chosen one, or the only one that can come back. Null: none.
const Returning* returningMember(const Situation& situation);

} // namespace bitmend
