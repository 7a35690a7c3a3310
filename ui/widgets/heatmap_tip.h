// SPDX-License-Identifier: Apache-2.0
// What is under the mouse, in a small box near it: chunk numbers, place in the array and on the
// members, which members have it set. A child of the window, so that it looks and behaves the same
// everywhere.
#pragma once

#include "engine/array/bitmap_frame.h"

#include <QLabel>

namespace bitmend {

class HeatmapTip final : public QWidget
{
    Q_OBJECT

public:
    explicit HeatmapTip(QWidget* window);

    // Beside `cell`, which is in `near`'s coordinates, and inside the window.
    void showFor(const BitmapFrame& frame, ChunkRange range, const QWidget* near, QRect cell);
    QString text() const { return m_label->text(); } // rich

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* m_label;
};

} // namespace bitmend
