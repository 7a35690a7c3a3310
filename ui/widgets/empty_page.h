// SPDX-License-Identifier: Apache-2.0
// What the window shows before anything is open: what to do next.
#pragma once

#include <QWidget>

class QAction;
class QLabel;

namespace bitmend {

class EmptyPage : public QWidget
{
    Q_OBJECT

public:
    // One button per step; the first is the one to take.
    explicit EmptyPage(const QList<QAction*>& steps, QWidget* parent = nullptr);

    // Sources were opened, but there is no array among them.
    void setNothingFound(bool nothingFound);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QLabel* m_title;
    QLabel* m_hint;
};

} // namespace bitmend
