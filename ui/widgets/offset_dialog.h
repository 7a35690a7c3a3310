// SPDX-License-Identifier: Apache-2.0
// "Go to": a place in the array as a person writes it - bytes with a unit, sectors, a chunk.
#pragma once

#include "engine/array/bitmap_frame.h"

#include <QDialog>

#include <optional>

class QLabel;
class QLineEdit;
class QPushButton;

namespace bitmend {

// "294 GiB", "1.5 TiB", "4096", "1 875 382 272s" (sectors), "#4711" (chunk): the chunk that holds
// that place. None when it is not understood or beyond the end.
std::optional<std::uint64_t> parsePlace(const QString& text, const BitmapFrame& frame);

class OffsetDialog final : public QDialog
{
    Q_OBJECT

public:
    OffsetDialog(BitmapFramePtr frame, QWidget* parent);

    // After it was accepted.
    std::uint64_t chunk() const;

private:
    void look();

    BitmapFramePtr m_frame;
    QLineEdit* m_place;
    QLabel* m_meaning;
    QPushButton* m_go;
};

} // namespace bitmend
