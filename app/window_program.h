// SPDX-License-Identifier: Apache-2.0
// The window's program, whichever way it was started: as an executable, or as a library by the
// AppImage's launcher.
#pragma once

namespace bitmend {

// The whole life of the program; returns its exit code. `argc` and `argv` stay valid until then.
int runWindow(int argc, char** argv);

} // namespace bitmend
