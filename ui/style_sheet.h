// SPDX-License-Identifier: Apache-2.0
// How the bare Fusion style is made calm: flat buttons with one outline, hairlines instead of
// frames, one accent. A desktop's own style is left as it is.
#pragma once

#include <QPalette>
#include <QString>

namespace bitmend {

QString styleSheet(const QPalette& palette);

} // namespace bitmend
