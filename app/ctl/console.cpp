// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace bitmend::ctl {

namespace {

std::size_t lineWidth()
{
    constexpr std::size_t kDefault = 96;
    winsize size{};
    if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return kDefault;
    return std::clamp<std::size_t>(size.ws_col, 40, 120);
}

// Code points, which is what the columns of a terminal are for the scripts we print.
std::size_t widthOf(std::string_view text)
{
    return std::size_t(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::function<void(std::string_view)>& copied()
{
    static std::function<void(std::string_view)> also;
    return also;
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

} // namespace

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

bool flushOutput()
{
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0)
        return true;
    complain("Standard output did not take the whole result.");
    return false;
}

void complain(std::string_view sentence)
{
    const std::string line = "bitmendctl: " + std::string(sentence) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
    if (copied())
        copied()(sentence);
}

void copyComplaints(std::function<void(std::string_view)> also) { copied() = std::move(also); }

ExitCode complain(const Error& error)
{
    complain(plain(sentence(error)));
    return exitCodeOf(error.code);
}

ExitCode misused(std::string_view command, std::string_view sentence)
{
    std::string of(command);
    of += of.empty() ? "" : " ";
    complain(std::string(sentence) + " See 'bitmendctl " + of + "--help'.");
    return ExitCode::Usage;
}

void logToStandardError()
{
    setLogSink([](const LogRecord& record) {
        const auto line =
            utcRfc3339(record.timeMicros / 1'000'000) + " " + plain(sentence(record)) + "\n";
        std::fwrite(line.data(), 1, line.size(), stderr);
    });
}

std::string wrapped(std::string_view text, std::size_t indent)
{
    const std::string margin(indent, ' ');
    const std::size_t limit = lineWidth() - indent;
    std::string result;
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(text.find(' ', at), text.size());
        // "29 809" and "4.6 GiB" stay in one piece.
        while (end < text.size() && isDigit(text[end - 1]))
            end = std::min(text.find(' ', end + 1), text.size());
        const auto next = text.substr(at, end - at);
        if (!line.empty() && widthOf(line) + 1 + widthOf(next) > limit) {
            result += margin + line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : " ") + std::string(next);
        at = end + 1;
    }
    return line.empty() ? result : result + margin + line + "\n";
}

void Table::note(std::string text) { m_notes.push_back({m_rows.size() - 1, std::move(text)}); }

std::string Table::text(std::size_t indent) const
{
    std::vector<std::size_t> widths;
    for (const auto& row : m_rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], widthOf(row[i]));
    }
    std::string result;
    auto note = m_notes.begin();
    for (std::size_t at = 0; at < m_rows.size(); ++at) {
        std::string line(indent, ' ');
        for (std::size_t i = 0; i < m_rows[at].size(); ++i) {
            line += m_rows[at][i];
            line.append(widths[i] - widthOf(m_rows[at][i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        result += line + "\n";
        for (; note != m_notes.end() && note->row == at; ++note)
            result += wrapped(note->text, indent + 4);
    }
    return result;
}

} // namespace bitmend::ctl
