// SPDX-License-Identifier: Apache-2.0
// From the sentences of ui/words to what Qt shows: translated, arguments filled in. And the few
// formats that every view shares.
#pragma once

#include "ui/words.h"

#include <QString>

#include <cstdint>
#include <string>
#include <string_view>

namespace bitmend {

QString text(const Phrase& phrase);
QString text(std::string_view word);              // "in sync", translated
QString text(const std::vector<Phrase>& phrases); // one after the other, as a paragraph
QString text(const Error& error);

QString sizeText(std::uint64_t bytes);  // "4.6 GiB"
QString exactSize(std::uint64_t bytes); // "4 939 212 800 bytes, 9 646 900 sectors"; for tooltips
QString numberText(std::uint64_t number);
QString timeText(std::int64_t seconds); // UTC; a dash when unknown

QString pathText(const std::string& path);
std::string pathOf(const QString& path);

QString plainName(const std::string& name); // of an array, as a part of a path

// What a person calls a source: the file's name, the disk's model and serial.
QString nameOf(const std::string& path, const std::string& label = {});

// "RAID 1"
QString levelText(int level);

} // namespace bitmend
