// SPDX-License-Identifier: Apache-2.0
// What an operation leaves behind when it is cut short, as image files for the kernel to judge.
//
//   cut_states OPERATION COUNT FOLDER IMAGE...
//
// Runs the operation on copies of the images in memory, with every write and flush written down in
// one order for all of them, and then plays that back: after each of COUNT steps, evenly chosen,
// the images as they are if the process was killed there (all that was written is there) or the
// power went (what was not flushed is there, is lost, or is there in part; the sector that was
// being written is torn unless it is a superblock, which md relies on being whole). FOLDER/<n>/
// gets the images, and FOLDER/states.json says what each is and what has to be found in it.
//
// Operations: resync, add (the last image is the newcomer), bitmap-add, stop (after writes), write.
#include "engine/array/array.h"
#include "engine/array/array_state.h"
#include "engine/array/bitmap_change.h"
#include "engine/array/hot_add.h"
#include "engine/array/scan_parts.h"
#include "engine/array/sync.h"
#include "engine/io/faulty_device.h"
#include "engine/metadata/metadata_format.h"
#include "tests/support/memory_device.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

using namespace bitmend;
using namespace bitmend::test;

namespace {

using Bytes = std::vector<std::byte>;

struct Written
{
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::size_t acknowledgedAt = 0; // entries in the journal when its flush returned
};

struct Run
{
    std::vector<std::string> names;
    std::vector<Bytes> before;
    std::vector<JournalEntry> entries;
    std::vector<Written> writes;
    Bytes content;         // of the array when all writes are through
    std::size_t begin = 0; // the first entry of what is cut
    std::uint64_t grain = kSectorBytes;
};

[[noreturn]] void giveUp(const std::string& what)
{
    std::cerr << "cut_states: " << what << '\n';
    std::exit(1);
}

template <typename T> T must(Result<T> result, const char* what)
{
    if (!result)
        giveUp(std::string(what) + ": error " + std::to_string(int(result.error().code)));
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

Bytes readAll(const std::filesystem::path& path)
{
    Bytes bytes(std::filesystem::file_size(path));
    std::ifstream(path, std::ios::binary)
        .read(std::bit_cast<char*>(bytes.data()), std::streamsize(bytes.size()));
    return bytes;
}

void writeAll(const std::filesystem::path& path, const Bytes& bytes)
{
    std::ofstream(path, std::ios::binary)
        .write(std::bit_cast<const char*>(bytes.data()), std::streamsize(bytes.size()));
}

class Machine
{
public:
    explicit Machine(Run& run) : m_run(run)
    {
        for (std::size_t i = 0; i < run.names.size(); ++i) {
            m_devices.push_back(std::make_shared<FaultyDevice>(
                std::make_shared<MemoryDevice>(run.before[i], run.names[i]), m_journal));
        }
    }

    std::unique_ptr<Array> start()
    {
        ScanReport report;
        for (const auto& device : m_devices) {
            SourceReport source;
            source.path = device->name();
            source.sizeBytes = device->sizeBytes();
            lookQuickly(device, source);
            report.sources.push_back(std::move(source));
        }
        const auto arrays = findArrays(report);
        if (arrays.size() != 1)
            giveUp("not one array");
        const auto find = [this](const std::string& path) -> Result<DevicePtr> {
            for (const auto& device : m_devices) {
                if (device->name() == path)
                    return DevicePtr(device);
            }
            return fail(ErrorCode::CannotOpen, path);
        };
        const auto look = [find](const std::string& path) -> Result<SourcePtr> {
            return SourcePtr(BM_TRY(find(path)));
        };
        const bool old = arrays.front().version == MetadataVersion::V0_90;
        m_run.grain = old ? kSuperblockBytes : kSectorBytes;
        const auto plan = must(planAssembly(report, arrays.front().uuid, {}), "plan");
        return must(assembleFrom(plan, {look, find}), "assemble");
    }

    std::size_t entries() const { return m_journal->entries().size(); }
    void finish(Array& array)
    {
        m_run.entries = m_journal->entries();
        m_run.content.resize(array.sizeBytes());
        must(array.readAt(0, m_run.content), "read");
    }

private:
    Run& m_run;
    std::shared_ptr<IoJournal> m_journal = std::make_shared<IoJournal>();
    std::vector<std::shared_ptr<FaultyDevice>> m_devices;
};

void syncAll(Array& array, SyncAction action)
{
    JobControl control;
    must(sync(array, action, control), "sync");
}

// Scattered, none over another, every second one flushed.
void writeSome(Machine& machine, Array& array, Run& run)
{
    constexpr std::uint64_t kPlace = 1 << 20;
    std::mt19937 random(2005);
    std::size_t pending = 0;
    for (std::uint64_t place = 0; (place + 1) * kPlace <= array.sizeBytes(); ++place) {
        const auto length = 1 + random() % 40'000;
        const auto offset = place * kPlace + random() % (kPlace - length);
        Bytes bytes(length);
        for (auto& byte : bytes)
            byte = static_cast<std::byte>(random());
        must(array.writeAt(offset, bytes), "write");
        run.writes.push_back({offset, length, ~std::size_t{0}});
        if (place % 2 == 0)
            continue;
        must(array.flush(), "flush");
        for (; pending < run.writes.size(); ++pending)
            run.writes[pending].acknowledgedAt = machine.entries();
    }
}

void perform(const std::string& operation, Machine& machine, Run& run)
{
    const auto array = machine.start();
    if (operation == "resync") {
        syncAll(*array, SyncAction::Resync);
        must(stop(*array), "stop");
    } else if (operation == "add") {
        must(hotAdd(*array, must(planHotAdd(*array, run.names.back()), "plan")), "hot-add");
        syncAll(*array, SyncAction::Recover);
        must(stop(*array), "stop");
    } else if (operation == "bitmap-add") {
        BitmapChoices choices;
        choices.chunkBytes = 65'536;
        must(addBitmap(*array, must(planBitmapAdd(*array, choices), "plan")), "bitmap-add");
        must(stop(*array), "stop");
    } else if (operation == "stop") {
        writeSome(machine, *array, run);
        run.begin = machine.entries();
        must(stop(*array), "stop");
    } else if (operation == "write") {
        writeSome(machine, *array, run);
    } else {
        giveUp("no operation " + operation);
    }
    machine.finish(*array);
}

bool isSuperblock(const Run& run, const JournalEntry& entry)
{
    for (const auto* format : formats()) {
        for (const auto& slot : format->slotsOn({run.before[entry.device].size() / kSectorBytes})) {
            if (slot.sector.bytes() == entry.offset)
                return true;
        }
    }
    return false;
}

// The last sector of the write that was under way: its first half is new.
void tear(const Run& run, std::size_t cut, std::size_t device, Bytes& bytes, const Bytes& older)
{
    if (cut == 0)
        return;
    const auto& entry = run.entries[cut - 1];
    if (entry.device != device || entry.isFlush || isSuperblock(run, entry))
        return;
    constexpr auto kHalf = kSectorBytes / 2;
    const auto end = std::ptrdiff_t(entry.offset + entry.bytes.size());
    const auto half = std::ptrdiff_t(std::min<std::uint64_t>(kHalf, entry.bytes.size()));
    std::copy(older.begin() + end - half, older.begin() + end, bytes.begin() + end - half);
}

enum class Kind : std::uint8_t { Killed, NothingLeft, SomeLeft, Torn };
constexpr std::array<const char*, 4> kKindNames = {"killed", "nothing left", "some left", "torn"};
constexpr std::array<Kind, 6> kKinds = {
    Kind::Killed, Kind::NothingLeft, Kind::Killed, Kind::SomeLeft, Kind::Killed, Kind::Torn};

Bytes stateOf(const Run& run, std::size_t device, std::size_t cut, Kind kind, std::mt19937& random)
{
    const auto after = [&](std::size_t at, const SectorSurvives& survives) {
        return afterPowerCut(run.before[device], run.entries, device, at, survives, run.grain);
    };
    const auto all = [] {
        return true;
    };
    switch (kind) {
    case Kind::NothingLeft:
        return after(cut, [] { return false; });
    case Kind::SomeLeft:
        return after(cut, [&random] { return (random() & 1U) != 0; });
    case Kind::Killed:
        return after(cut, all);
    case Kind::Torn:
        break;
    }
    auto bytes = after(cut, all);
    tear(run, cut, device, bytes, after(cut == 0 ? 0 : cut - 1, all));
    return bytes;
}

void describe(std::ostream& out, const Run& run, std::size_t number, std::size_t cut, Kind kind)
{
    out << (number == 0 ? "[\n" : ",\n") << R"({"cut": )" << cut << R"(, "of": )"
        << run.entries.size() << R"(, "kind": ")" << kKindNames.at(std::size_t(kind))
        << R"(", "acknowledged": [)";
    bool first = true;
    for (const auto& write : run.writes) {
        if (write.acknowledgedAt > cut)
            continue;
        out << (first ? "" : ", ") << '[' << write.offset << ", " << write.length << ']';
        first = false;
    }
    out << "]}";
}

} // namespace

int main(int count, char** words)
{
    if (count < 5)
        giveUp("OPERATION COUNT FOLDER IMAGE...");
    const std::string operation = words[1];
    const auto states = std::strtoul(words[2], nullptr, 10);
    const std::filesystem::path folder = words[3];
    Run run;
    for (int i = 4; i < count; ++i) {
        run.names.emplace_back(words[i]);
        run.before.push_back(readAll(words[i]));
    }
    Machine machine(run);
    perform(operation, machine, run);
    writeAll(folder / "content", run.content);

    std::ofstream list(folder / "states.json");
    std::mt19937 random(5);
    const auto steps = run.entries.size() - run.begin;
    for (std::size_t number = 0; number < states; ++number) {
        // From the first step to before the last; what is there after it is no cut.
        const auto cut = run.begin + number * steps / states + (number == 0 ? 1 : 0);
        const auto kind = kKinds.at(number % kKinds.size());
        const auto target = folder / std::to_string(number);
        std::filesystem::create_directories(target);
        for (std::size_t i = 0; i < run.names.size(); ++i) {
            writeAll(target / std::filesystem::path(run.names[i]).filename(),
                stateOf(run, i, cut, kind, random));
        }
        describe(list, run, number, cut, kind);
    }
    list << "\n]\n";
}
