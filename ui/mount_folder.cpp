// SPDX-License-Identifier: Apache-2.0
#include "ui/mount_folder.h"

#include "ui/text.h"

#include <QClipboard>
#include <QDesktopServices>
#include <QDir>
#include <QGuiApplication>
#include <QStandardPaths>
#include <QUrl>

namespace bitmend {

QString mountFolder(const ArrayReport& array)
{
    QString base = QStandardPaths::writableLocation(QStandardPaths::RuntimeLocation);
    if (base.isEmpty())
        base = QStandardPaths::writableLocation(QStandardPaths::AppLocalDataLocation);
    base += QStringLiteral("/bitmend");
    QDir().mkpath(base);
    // Two arrays may have one name.
    return QStringLiteral("%1/%2-%3")
        .arg(base, plainName(array.name), QString::fromStdString(toString(array.uuid)).left(8));
}

void openFolder(const QString& folder) { QDesktopServices::openUrl(QUrl::fromLocalFile(folder)); }

void copyAddress(const QString& address) { QGuiApplication::clipboard()->setText(address); }

} // namespace bitmend
