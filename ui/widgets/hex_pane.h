// SPDX-License-Identifier: Apache-2.0
// Raw bytes, sixteen in a line, with some of them marked. Says which byte was clicked.
#pragma once

#include <QAbstractScrollArea>

#include <cstddef>
#include <span>
#include <vector>

namespace bitmend {

class HexPane final : public QAbstractScrollArea
{
    Q_OBJECT

public:
    explicit HexPane(QWidget* parent = nullptr);

    void setBytes(std::span<const std::byte> bytes); // copied
    void mark(std::size_t offset, std::size_t length, const QString& meaning);
    void clearMark();

    std::size_t markedOffset() const { return m_offset; }
    std::size_t markedLength() const { return m_length; }
    QRect rectOf(std::size_t offset) const; // of a byte's two digits, in the viewport

    QSize sizeHint() const override;

signals:
    void byteChosen(quint64 offset);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    int lineHeight() const;
    int digit() const; // width of one
    int xOf(std::size_t column) const;
    int xOfText(std::size_t column) const;
    void paintLine(QPainter& painter, std::size_t line) const;
    void updateScrollBar();

    std::vector<std::byte> m_bytes;
    std::size_t m_offset = 0;
    std::size_t m_length = 0; // 0: nothing is marked
};

} // namespace bitmend
