// SPDX-License-Identifier: Apache-2.0
#include "engine/metadata/superblock.h"

namespace bitmend {

std::string_view toString(MetadataVersion version)
{
    switch (version) {
    case MetadataVersion::V0_90:
        return "0.90";
    case MetadataVersion::V1_0:
        return "1.0";
    case MetadataVersion::V1_1:
        return "1.1";
    case MetadataVersion::V1_2:
        return "1.2";
    }
    return {};
}

Role Superblock::role() const
{
    return devNumber < devRoles.size() ? devRoles[devNumber] : kRoleSpare;
}

} // namespace bitmend
