// SPDX-License-Identifier: Apache-2.0
// What was found on one image or disk, in sentences; also "nothing", and why.
#pragma once

#include "engine/session/engine.h"

#include <QWidget>

class QLabel;
class QPushButton;
class QVBoxLayout;

namespace bitmend {

class SourcePage : public QWidget
{
    Q_OBJECT

public:
    explicit SourcePage(QWidget* parent = nullptr);

    void setSource(const ScannedSource& source, const std::vector<ArrayView>& arrays);
    const std::string& path() const { return m_path; }

signals:
    void arrayAsked(const bitmend::Uuid& uuid);

private:
    std::string m_path;
    Uuid m_array;
    QLabel* m_title;
    QLabel* m_subtitle;
    QLabel* m_found;
    QPushButton* m_showArray;
};

// One sentence per finding; for a source without any, what it is instead.
QStringList findingsOf(const SourceReport& report);

} // namespace bitmend
