// SPDX-License-Identifier: Apache-2.0
// The bytes of one stripe, a column per member, all scrolled together. Above each column what the
// member holds there, by word and colour. A line in which members do not agree is followed by one
// with what the others say.
#pragma once

#include "engine/array/stripe_view.h"

#include <QAbstractScrollArea>
#include <QStringList>

#include <cstddef>
#include <vector>

namespace bitmend {

class StripeHex final : public QAbstractScrollArea
{
    Q_OBJECT

public:
    explicit StripeHex(QWidget* parent = nullptr);

    void setStripe(StripeView view, QStringList names); // names by role
    const StripeView& stripe() const { return m_view; }

    void markMember(int role);         // the one that was asked for; -1: none
    void goTo(std::size_t offset);     // above the columns stands what lies there
    bool goToDifference(bool forward); // from the first line shown; false: there is none

    QRect rectOf(int role, std::size_t offset) const; // of a byte's digits, in the viewport

    QSize sizeHint() const override;

signals:
    void memberChosen(int role, quint64 offset); // a byte of it was clicked

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    struct Line
    {
        std::size_t offset;
        bool expected; // what the others say
    };

    int lineHeight() const;
    int digit() const;
    int headHeight() const;
    int columnWidth() const;
    int addressWidth() const;
    int xOf(int role) const;
    void showColumn(int role);
    int yOf(std::size_t line) const;
    bool differsIn(std::size_t offset) const;
    void layLines();
    void updateScrollBars();
    int roleAt(int x) const; // of the column; -1: none
    MemberPlace chosenPlace(const StripeCell& cell) const;
    void describe();
    void paintHead(QPainter& painter, int role) const;
    void paintAddress(QPainter& painter, const Line& line, int y) const;
    void paintBytes(QPainter& painter, const Line& line, int role, int y) const;

    StripeView m_view;
    QStringList m_names;
    std::vector<Line> m_lines;
    int m_marked = -1;
    std::size_t m_sector = 0; // of the window
    QFont m_fixed;
};

} // namespace bitmend
