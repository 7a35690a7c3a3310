// SPDX-License-Identifier: Apache-2.0
#include "app/window_program.h"

int main(int argc, char** argv) { return bitmend::runWindow(argc, argv); }
