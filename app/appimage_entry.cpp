// SPDX-License-Identifier: Apache-2.0
// What the AppImage's launcher looks up, once it has loaded the libraries that this one needs.
#include "app/window_program.h"

extern "C" __attribute__((visibility("default"))) int bitmend_main(int argc, char** argv);

int bitmend_main(int argc, char** argv) { return bitmend::runWindow(argc, argv); }
