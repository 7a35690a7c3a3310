// SPDX-License-Identifier: Apache-2.0
// What all measurements share: a clock, medians with their spread, the machine's load.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace bitmend::bench {

[[noreturn]] inline void giveUp(const char* what)
{
    std::fprintf(stderr, "measuring: %s failed\n", what);
    std::exit(1);
}

template <typename Work> double secondsOf(Work&& work)
{
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

inline double cat(const std::vector<std::string>& files)
{
    std::string command = "cat";
    for (const auto& file : files)
        command += " '" + file + "'";
    command += " > /dev/null";
    return secondsOf([&command] {
        if (std::system(command.c_str()) != 0)
            giveUp("cat");
    });
}

struct Spread
{
    std::vector<double> values;

    double median() const
    {
        auto sorted = values;
        std::ranges::sort(sorted);
        return sorted[sorted.size() / 2];
    }
    std::string text(const char* format) const
    {
        std::array<char, 96> line{};
        const auto [least, most] = std::ranges::minmax(values);
        std::snprintf(line.data(), line.size(), format, median(), least, most);
        return line.data();
    }
};

inline double load()
{
    double value = 0;
    std::ifstream("/proc/loadavg") >> value;
    return value;
}

// A folder of this measurement's own below another, gone with all that is in it at the end.
class OwnFolder
{
public:
    OwnFolder(const char* below, const std::string& name)
        : m_path(std::filesystem::path(below) / (name + "-" + std::to_string(::getpid())))
    {
        std::filesystem::create_directories(m_path);
    }
    OwnFolder(const OwnFolder&) = delete;
    OwnFolder& operator=(const OwnFolder&) = delete;
    ~OwnFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }

    const std::filesystem::path& path() const { return m_path; }

private:
    std::filesystem::path m_path;
};

// The number that stands there on the command line.
inline unsigned long long argument(int argc, char** argv, int index, unsigned long long otherwise)
{
    return argc > index ? std::stoull(argv[index]) : otherwise;
}

} // namespace bitmend::bench
