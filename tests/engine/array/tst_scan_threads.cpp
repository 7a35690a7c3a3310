// SPDX-License-Identifier: Apache-2.0
// Many sources at once, with somebody watching the progress and somebody giving up half-way.
#include "tests/support/array_images.h"
#include "tests/support/expect.h"
#include "tests/support/files.h"

#include <atomic>
#include <filesystem>
#include <thread>

using namespace bitmend;
using namespace bitmend::test;

namespace {

std::vector<std::string> writeImages(const std::filesystem::path& folder)
{
    std::filesystem::create_directories(folder);
    const ArrayImages images(5, 3);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < 12; ++i) {
        paths.push_back((folder / ("m" + std::to_string(i) + ".img")).string());
        writeFile(paths.back(), images.image(i % 3));
    }
    return paths;
}

} // namespace

int main()
{
    std::string pattern = (std::filesystem::temp_directory_path() / "bitmend-scan-XXXXXX").string();
    EXPECT(::mkdtemp(pattern.data()) != nullptr);
    const auto paths = writeImages(pattern);
    ScanOptions options;
    options.depth = ScanDepth::Deep;

    JobControl control;
    std::atomic<bool> finished = false;
    std::uint64_t seen = 0;
    std::jthread watcher([&] {
        while (!finished) {
            const auto done = control.progress().done.count;
            seen = std::max(seen, done);
            std::this_thread::yield();
        }
    });
    const auto report = scan(paths, options, control, 4);
    finished = true;
    watcher.join();
    EXPECT(seen <= 12 * kImageSectors.count);
    EXPECT(control.progress().done == control.progress().total);
    for (const auto& source : report.sources)
        EXPECT(!source.error && source.found.size() == 1);
    EXPECT(theArray(report).canStart);

    JobControl given;
    std::jthread quitter([&] { given.cancel(); });
    for (const auto& source : scan(paths, options, given, 4).sources)
        EXPECT(!source.error || source.error->code == ErrorCode::Cancelled);
    quitter.join();
    std::filesystem::remove_all(pattern);
}
