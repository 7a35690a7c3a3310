// SPDX-License-Identifier: Apache-2.0
// Test functions that run once for each of some arrays.
#pragma once

#include "tests/engine/array/memory_array.h"

#include <QTest>

namespace bitmend::test {

// For a function's _data(): a row for each.
inline void addShapeRows(const std::vector<ArrayShape>& shapes)
{
    QTest::addColumn<int>("index");
    int index = 0;
    for (const auto& shape : shapes) {
        const auto name = QStringLiteral("level %1, layout %2, %3 members")
                              .arg(shape.level)
                              .arg(shape.layout, 0, 16)
                              .arg(shape.raidDisks);
        QTest::newRow(qPrintable(name)) << index++;
    }
}

// That of the row which runs.
inline ArrayShape shapeOfRow(const std::vector<ArrayShape>& shapes)
{
    QFETCH(int, index);
    return shapes[std::size_t(index)];
}

inline std::vector<std::byte> contentOf(const Array& array)
{
    std::vector<std::byte> content(array.sizeBytes());
    return array.readAt(0, content) ? content : std::vector<std::byte>();
}

} // namespace bitmend::test
