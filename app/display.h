// SPDX-License-Identifier: Apache-2.0
// What the window needs of the place it is started in: a display.
#pragma once

namespace bitmend {

enum class Purpose { Window, Picture };

// Before QApplication: prefers Wayland where the session has it, draws a picture without a display
// where there is none, and has a failure told in one sentence instead of Qt's several and a core
// dump.
void prepareDisplay(Purpose purpose);

// After QApplication: programs that are started from here choose for themselves again.
void settleDisplay();

} // namespace bitmend
