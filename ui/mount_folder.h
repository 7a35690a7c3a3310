// SPDX-License-Identifier: Apache-2.0
// Where the window mounts an array, and how it is shown to a person.
#pragma once

#include "engine/session/engine.h"

#include <QString>

namespace bitmend {

// Among what the system throws away at the end of the session; its parent is made.
QString mountFolder(const ArrayReport& array);

// In the desktop's file manager.
void openFolder(const QString& folder);

// Onto the clipboard, for a terminal.
void copyAddress(const QString& address);

} // namespace bitmend
