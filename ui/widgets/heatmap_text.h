// SPDX-License-Identifier: Apache-2.0
// What a range of bitmap chunks is called and what is said about it: the tooltip, the line below
// the cells, the clipboard and the screen reader use the same words.
#pragma once

#include "engine/array/bitmap_frame.h"

#include <QString>
#include <QStringList>

namespace bitmend::heatmap {

QString stateWord(ChunkState state);    // "dirty"
QString stateMeaning(ChunkState state); // a sentence, for the legend's tooltips
QString pageDueWord();
QString pageDueMeaning();
QString listedBadWord();
QString listedBadMeaning();

QString title(ChunkRange range);                               // "Chunks 14 308 – 14 333"
QString counts(const BitmapFrame& frame, ChunkRange range);    // "37 of 512 dirty, 3 done"
QString agreement(const BitmapFrame& frame, ChunkRange range); // "set on 2 of 2 members"
QString place(const BitmapFrame& frame, ChunkRange range);     // "array 894.2 GiB – 894.3 GiB"
QString sectors(const BitmapFrame& frame, ChunkRange range);   // the same, exactly

// One for each member: its name, its sectors where they are known, what its copy says.
QStringList members(const BitmapFrame& frame, ChunkRange range);

QString oneLine(const BitmapFrame& frame, ChunkRange range);
QString plainLines(const BitmapFrame& frame, ChunkRange range); // all of it
QString cellName(const BitmapFrame& frame, ChunkRange range); // "chunks 512-1023, 37 of 512 dirty"
QString summary(const BitmapFrame& frame);                    // of the whole array

} // namespace bitmend::heatmap
