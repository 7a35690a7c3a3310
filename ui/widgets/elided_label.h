// SPDX-License-Identifier: Apache-2.0
// One line of text that gives way: shortened in the middle where there is no room, whole in its
// tooltip. QLabel would push its neighbours out of the window instead.
#pragma once

#include <QLabel>

namespace bitmend {

class ElidedLabel : public QLabel
{
    Q_OBJECT

public:
    using QLabel::QLabel;

    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
};

} // namespace bitmend
