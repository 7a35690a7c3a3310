// SPDX-License-Identifier: Apache-2.0
#include "ui/demo.h"

#include "ui/text.h"

#include <QDir>
#include <QFile>
#include <QSaveFile>
#include <QStandardPaths>

#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

// Q_INIT_RESOURCE has to stand outside any namespace.
static void initResources() { Q_INIT_RESOURCE(demo); }

namespace bitmend {

namespace {

constexpr std::array kImages{"disk-a.img", "disk-b.img", "spare.img"};
constexpr std::string_view kArray = "da860cb5:20923e19:25acf986:73bbb84c";
constexpr qsizetype kBlock = 65'536;

bool isZero(const QByteArray& bytes, qsizetype from, qsizetype length)
{
    return std::all_of(
        bytes.begin() + from, bytes.begin() + from + length, [](char byte) { return byte == 0; });
}

// The images are mostly empty: what is zero stays a hole.
bool writeSparse(QFileDevice& file, const QByteArray& bytes)
{
    if (!file.resize(bytes.size()))
        return false;
    for (qsizetype at = 0; at < bytes.size(); at += kBlock) {
        const qsizetype length = std::min(kBlock, bytes.size() - at);
        if (isZero(bytes, at, length))
            continue;
        if (!file.seek(at) || file.write(bytes.constData() + at, length) != length)
            return false;
    }
    return true;
}

Result<QByteArray> unpacked(const QString& resource)
{
    QFile packed(resource);
    if (!packed.open(QIODevice::ReadOnly))
        return fail(ErrorCode::CannotOpen, pathOf(resource), -1, ENOENT);
    const QByteArray bytes = packed.readAll();
    const auto size = ZSTD_getFrameContentSize(bytes.constData(), std::size_t(bytes.size()));
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
        return fail(ErrorCode::Io, pathOf(resource), 0, EBADMSG);
    QByteArray plain(qsizetype(size), Qt::Uninitialized);
    const std::size_t got = ZSTD_decompress(
        plain.data(), std::size_t(plain.size()), bytes.constData(), std::size_t(bytes.size()));
    if (ZSTD_isError(got) != 0 || got != size)
        return fail(ErrorCode::Io, pathOf(resource), 0, EBADMSG);
    return plain;
}

} // namespace

QString demoFolder()
{
    return QStandardPaths::writableLocation(QStandardPaths::AppLocalDataLocation) +
           QStringLiteral("/demo");
}

bool isDemo(const Uuid& array) { return array == parseUuid(kArray); }

Result<std::vector<std::string>> unpackDemo(const QString& folder)
{
    initResources();
    if (!QDir().mkpath(folder))
        return fail(ErrorCode::CannotOpen, pathOf(folder), -1, EACCES);
    std::vector<std::string> paths;
    for (const char* name : kImages) {
        const QString path = folder + u'/' + QLatin1String(name);
        paths.push_back(pathOf(path));
        const auto plain =
            BM_TRY(unpacked(QStringLiteral(":/demo/%1.zst").arg(QLatin1String(name))));
        if (QFile(path).size() == plain.size())
            continue;
        QSaveFile file(path);
        if (!file.open(QIODevice::WriteOnly) || !writeSparse(file, plain) || !file.commit())
            return fail(ErrorCode::Io, pathOf(path), -1, errno);
    }
    return paths;
}

} // namespace bitmend
