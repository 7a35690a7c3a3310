// SPDX-License-Identifier: Apache-2.0
// What is wrong with an array, what that means for the data, what the safe next step costs; and one
// button, which takes that step.
#pragma once

#include "ui/outcomes.h"

#include <QWidget>

class QAction;
class QLabel;
class QPushButton;

namespace bitmend {

class VerdictBox : public QWidget
{
    Q_OBJECT

public:
    explicit VerdictBox(QWidget* parent = nullptr);

    void setVerdict(Tone tone, const Verdict& verdict);
    void setError(const QString& sentence);
    // The button follows the action's text, tooltip and whether it is possible; null hides it.
    void setStep(QAction* action);

protected:
    void paintEvent(QPaintEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void follow();

    QLabel* m_headline;
    QLabel* m_explanation; // the most important remark
    QLabel* m_remarks;     // the others, quieter
    QPushButton* m_button;
    QAction* m_step = nullptr;
    Tone m_tone = Tone::Neutral;
};

} // namespace bitmend
