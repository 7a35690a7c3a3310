// SPDX-License-Identifier: Apache-2.0
// The array that comes with the program: made and broken by the real md driver, unpacked into a
// folder of the user's own when it is first opened.
#pragma once

#include "engine/base/result.h"
#include "engine/base/uuid.h"

#include <QString>

#include <string>
#include <vector>

namespace bitmend {

// Paths of the unpacked images. Unpacks what is missing; blocks for a fraction of a second.
Result<std::vector<std::string>> unpackDemo(const QString& folder);

QString demoFolder();

// Wherever it was unpacked, by whom.
bool isDemo(const Uuid& array);

} // namespace bitmend
