// SPDX-License-Identifier: Apache-2.0
// One line per member: what its own copy of the bitmap says about the chunks that the cells show.
// Where the copies disagree there is a mark under each of them.
#pragma once

#include "engine/array/bitmap_frame.h"
#include "ui/widgets/heatmap_strip.h"

#include <QWidget>

#include <vector>

namespace bitmend {

class HeatmapMembers final : public QWidget
{
    Q_OBJECT

public:
    explicit HeatmapMembers(QWidget* parent = nullptr);

    void setFrame(BitmapFramePtr frame);
    void setVisibleChunks(ChunkRange range);

    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    bool disagree(ChunkRange range) const;
    void findDisagreements();
    void describe();
    int nameWidth() const;
    StripColumns columns() const;
    std::vector<std::size_t> rows() const; // members with a copy of their own

    BitmapFramePtr m_frame;
    ChunkRange m_visible;
    std::vector<ChunkRange> m_disagreements; // words of 64 chunks in which copies differ
};

} // namespace bitmend
