// SPDX-License-Identifier: Apache-2.0
// What happened: time (UTC), what, where, how many bytes. There to be read and saved.
#pragma once

#include "engine/base/log.h"

#include <QWidget>

class QPlainTextEdit;

namespace bitmend {

class LogPanel : public QWidget
{
    Q_OBJECT

public:
    explicit LogPanel(QWidget* parent = nullptr);

    void add(const LogRecord& record);
    void add(const QString& sentence); // stamped with the time now
    QString contents() const;
    bool saveTo(const QString& path, QString* error) const;

signals:
    void saveAsked();

private:
    void append(std::int64_t seconds, const QString& sentence);

    QPlainTextEdit* m_text;
    bool m_follows = true; // shows the newest line, until somebody scrolls up
};

} // namespace bitmend
