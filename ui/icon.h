// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QIcon>

namespace bitmend {

// The same drawing as resources/desktop's SVG, without needing a plugin that reads SVG.
QIcon applicationIcon();

} // namespace bitmend
