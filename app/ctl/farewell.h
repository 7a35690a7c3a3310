// SPDX-License-Identifier: Apache-2.0
// What a bitmendctl that serves an array in the background has to say to the bitmendctl that ends
// it: how stopping the array went. They meet on an abstract socket that has the server's process
// number in its name; each looks at who the other one is.
//
//   umount  -> server   one packet "e": end it
//   server  -> umount   packets "c" + a sentence, any number; one "x" + the exit code, and the end
#pragma once

#include "app/ctl/exit_code.h"

#include <sys/types.h>

#include <optional>
#include <string_view>
#include <vector>

namespace bitmend::ctl {

// In the name of whoever serves, in the kernel's list of mounts.
inline constexpr std::string_view kServerProgram = "bitmendctl";

// The server's end. While it lives, whatever is complained about goes to those who have come as
// well. Where there can be no such socket, nobody comes.
class Farewell
{
public:
    Farewell();
    ~Farewell();
    Farewell(const Farewell&) = delete;
    Farewell& operator=(const Farewell&) = delete;

    int descriptor() const { return m_events; } // for poll(): then isAsked()
    bool isAsked();                             // whether somebody asked to end it since

    void refuse(ExitCode code); // to those who asked: it goes on
    void tell(ExitCode code);   // to all: it has ended

private:
    struct Guest
    {
        int socket = -1;
        bool hasAsked = false;
    };

    void letIn();
    void send(char kind, std::string_view content, bool toAll);

    int m_listener = -1;
    int m_events = -1;
    std::vector<Guest> m_guests;
};

// umount's end. Connected before anything is unmounted: afterwards the server may be gone.
class FarewellGuest
{
public:
    explicit FarewellGuest(pid_t server);
    ~FarewellGuest();
    FarewellGuest(const FarewellGuest&) = delete;
    FarewellGuest& operator=(const FarewellGuest&) = delete;

    bool isConnected() const { return m_socket >= 0; }

    // Asks, waits, and complains as the server does. None when it ended without a word.
    std::optional<ExitCode> end();

private:
    int m_socket = -1;
};

} // namespace bitmend::ctl
