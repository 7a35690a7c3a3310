// SPDX-License-Identifier: Apache-2.0
// What is said when an array cannot be given to other programs, or taken away from them.
#pragma once

#include "ui/words.h"

#include <string>

namespace bitmend {

// For the codes that are about mounts; `why`: the system's words for the errno in it.
Phrase aboutMount(const Error& error, const std::string& why);

} // namespace bitmend
