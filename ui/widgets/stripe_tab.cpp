// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/stripe_tab.h"

#include "engine/raid/personality.h"
#include "ui/text.h"
#include "ui/widgets/differences_list.h"
#include "ui/widgets/pill.h"
#include "ui/widgets/stripe_hex.h"
#include "ui/words_stripe.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>

#include <algorithm>

namespace bitmend {

namespace {

constexpr std::int64_t kWindow = 128; // sectors looked at together
constexpr double kLargest = 9e15;

QDoubleSpinBox* sectorBox(const QString& name, QWidget* parent)
{
    auto* box = new QDoubleSpinBox(parent);
    box->setDecimals(0);
    box->setRange(-1, kLargest);
    box->setGroupSeparatorShown(false);
    box->setKeyboardTracking(false);
    box->setAccessibleName(name);
    box->setMinimumWidth(box->fontMetrics().averageCharWidth() * 20);
    return box;
}

// As setArray() sees it: another array, or the same one with other members.
std::vector<std::pair<std::string, const void*>> keyOf(const ArrayReport& array)
{
    std::vector<std::pair<std::string, const void*>> key{{toString(array.uuid), nullptr}};
    for (const auto& member : array.members)
        key.emplace_back(member.path, member.superblock.get());
    return key;
}

Badge badgeOf(const StripeView& stripe)
{
    switch (stripe.verdict) {
    case StripeVerdict::NothingToCompare:
        return {StripeTab::tr("not compared"), Shape::Ring, Tone::Neutral};
    case StripeVerdict::Agrees:
        return {StripeTab::tr("agrees"), Shape::Disc, Tone::Good};
    case StripeVerdict::Differs:
        return {StripeTab::tr("differs"), Shape::Triangle, Tone::Warning};
    case StripeVerdict::OneWrong:
        return {StripeTab::tr("one member wrong"), Shape::Triangle, Tone::Warning};
    case StripeVerdict::Lost:
        return {StripeTab::tr("lost"), Shape::Cross, Tone::Bad};
    }
    return {};
}

} // namespace

StripeTab::StripeTab(QWidget* parent)
    : QWidget(parent)
    , m_arraySector(sectorBox(tr("Sector of the array"), this))
    , m_member(new QComboBox(this))
    , m_memberSector(sectorBox(tr("Sector of the member"), this))
    , m_previous(new QPushButton(tr("Pre&vious difference"), this))
    , m_next(new QPushButton(tr("&Next difference"), this))
    , m_again(new QPushButton(tr("&Read again"), this))
    , m_place(new QLabel(this))
    , m_pill(new Pill(this))
    , m_verdict(new QLabel(this))
    , m_hex(new StripeHex(this))
    , m_differences(new DifferencesList(this))
{
    setObjectName(QStringLiteral("stripeTab"));
    m_arraySector->setObjectName(QStringLiteral("arraySector"));
    m_arraySector->setSpecialValueText(tr("none"));
    m_memberSector->setObjectName(QStringLiteral("memberSector"));
    m_memberSector->setSpecialValueText(tr("none"));
    m_member->setObjectName(QStringLiteral("stripeMember"));
    m_member->setAccessibleName(tr("Member"));
    m_member->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_place->setObjectName(QStringLiteral("stripePlace"));
    m_place->setForegroundRole(QPalette::PlaceholderText);
    m_verdict->setObjectName(QStringLiteral("stripeVerdict"));
    m_verdict->setWordWrap(true);
    for (QLabel* label : {m_place, m_verdict})
        label->setTextFormat(Qt::PlainText);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 8, 0, 8);
    column->setSpacing(10);
    column->addLayout(makePlaceRow());
    column->addWidget(m_place);
    column->addLayout(makeVerdictRow());
    auto* bytes = new QHBoxLayout;
    bytes->setSpacing(14);
    bytes->addWidget(m_differences);
    bytes->addWidget(m_hex, 1);
    column->addLayout(bytes, 1);
    connectParts();
}

QLayout* StripeTab::makePlaceRow()
{
    auto* row = new QHBoxLayout;
    row->setSpacing(8);
    auto* array = new QLabel(tr("Array &sector"), this);
    array->setBuddy(m_arraySector);
    auto* member = new QLabel(tr("&Member"), this);
    member->setBuddy(m_member);
    auto* sector = new QLabel(tr("se&ctor"), this);
    sector->setBuddy(m_memberSector);
    row->addWidget(array);
    row->addWidget(m_arraySector);
    row->addSpacing(10);
    row->addWidget(member);
    row->addWidget(m_member);
    row->addWidget(sector);
    row->addWidget(m_memberSector);
    row->addStretch(1);
    row->addWidget(m_again);
    return row;
}

QLayout* StripeTab::makeVerdictRow()
{
    auto* row = new QHBoxLayout;
    row->setSpacing(10);
    row->addWidget(m_pill, 0, Qt::AlignVCenter);
    row->addWidget(m_verdict, 1);
    row->addWidget(m_previous);
    row->addWidget(m_next);
    return row;
}

void StripeTab::connectParts()
{
    connect(m_arraySector, &QDoubleSpinBox::valueChanged, this, [this](double value) {
        if (value >= 0) {
            goToArraySector({std::uint64_t(value)});
        } else {
            showPlace();
        }
    });
    connect(m_memberSector, &QDoubleSpinBox::valueChanged, this, [this](double value) {
        const auto offset = dataOffset(m_role);
        if (value >= 0 && offset) {
            goToMemberSector(m_role, std::int64_t(value) - std::int64_t(offset->count));
        } else {
            showPlace();
        }
    });
    connect(m_member, &QComboBox::currentIndexChanged, this,
        [this](int role) { goToMemberSector(role, m_inData); });
    connect(m_hex, &StripeHex::memberChosen, this, [this](int role, quint64 offset) {
        goToMemberSector(role, m_hex->stripe().begin + std::int64_t(offset / kSectorBytes));
    });
    connect(m_differences, &DifferencesList::chosen, this,
        [this](const DifferencesModel::Place& place) {
            if (place.ofArray) {
                goToArraySector(place.range.begin);
            } else {
                const bool isOne = place.wrongRoles.size() == 1;
                const int role = isOne ? *place.wrongRoles.begin() : m_role;
                goToMemberSector(role, std::int64_t(place.range.begin.count));
            }
        });
    connect(m_again, &QPushButton::clicked, this, &StripeTab::ask);
    connect(m_next, &QPushButton::clicked, this, [this] { m_hex->goToDifference(true); });
    connect(m_previous, &QPushButton::clicked, this, [this] { m_hex->goToDifference(false); });
}

bool StripeTab::canShow(const ArrayReport& array) { return mapRow(array, {}).has_value(); }

void StripeTab::setArray(const ArrayReport& array, const std::vector<ScannedSource>& sources)
{
    auto key = keyOf(array);
    if (key == m_shown)
        return;
    const bool another = m_shown.empty() || m_shown.front() != key.front();
    m_shown = std::move(key);
    m_array = std::make_shared<const ArrayReport>(array);
    nameMembers(sources);
    const Sectors chunk = array.geometry.chunk;
    for (QDoubleSpinBox* box : {m_arraySector, m_memberSector})
        box->setSingleStep(chunk.count == 0 ? double(kWindow) : double(chunk.count));
    const QSignalBlocker quiet(m_arraySector);
    m_arraySector->setMaximum(array.arraySize.count == 0 ? 0 : double(array.arraySize.count - 1));
    if (another) {
        goToArraySector({});
    } else {
        moveTo(std::min(m_role, array.geometry.raidDisks - 1), m_inData);
    }
}

void StripeTab::setCompared(const std::shared_ptr<const SyncOutcome>& outcome)
{
    m_differences->setOutcome(outcome, m_array && hasParity(m_array->geometry));
}

void StripeTab::goToFirstDifference() { m_differences->chooseFirst(); }

void StripeTab::nameMembers(const std::vector<ScannedSource>& sources)
{
    m_names.clear();
    for (int role = 0; role < m_array->geometry.raidDisks; ++role) {
        const Member* member = memberInRole(*m_array, role);
        if (member == nullptr || member->path.empty()) {
            m_names.append(tr("nobody"));
            continue;
        }
        const auto source = std::ranges::find(sources, member->path, &ScannedSource::path);
        m_names.append(
            nameOf(member->path, source == sources.end() ? std::string() : source->label));
    }
    const QSignalBlocker quiet(m_member);
    m_member->clear();
    for (int role = 0; role < m_names.size(); ++role)
        m_member->addItem(tr("%1  %2").arg(role).arg(m_names[role]));
}

std::optional<Sectors> StripeTab::dataOffset(int role) const
{
    const Member* member = m_array ? memberInRole(*m_array, role) : nullptr;
    if (member == nullptr || !member->superblock)
        return std::nullopt;
    return member->superblock->dataOffset;
}

void StripeTab::goToArraySector(Sectors sector)
{
    const auto map =
        m_array ? mapArraySector(*m_array, sector) : Result<ArrayMap>(fail(ErrorCode::NoSuchArray));
    if (!map) {
        showPlace();
        return;
    }
    // Stays with the member that was looked at where that has a copy.
    const auto same = std::ranges::find(map->copies, m_role, &MemberPlace::role);
    const MemberPlace& copy = same == map->copies.end() ? map->copies.front() : *same;
    if (copy.inData) {
        moveTo(copy.role, std::int64_t(copy.inData->count));
    }
}

void StripeTab::goToMemberSector(int role, std::int64_t inData)
{
    if (m_array && role >= 0 && role < m_array->geometry.raidDisks)
        moveTo(role, inData);
}

void StripeTab::moveTo(int role, std::int64_t inData)
{
    m_role = role;
    m_inData = inData;
    showPlace();
    ask();
}

// A window lies within a chunk, so that each member holds one thing in it.
std::pair<std::int64_t, Sectors> StripeTab::window() const
{
    const auto chunk = std::int64_t(m_array->geometry.chunk.count);
    if (m_inData < 0)
        return {-((-m_inData + kWindow - 1) / kWindow * kWindow), {std::uint64_t(kWindow)}};
    const std::int64_t start = chunk == 0 ? 0 : m_inData / chunk * chunk;
    return {start + (m_inData - start) / kWindow * kWindow, {std::uint64_t(kWindow)}};
}

void StripeTab::ask()
{
    m_isDue = !isVisible();
    if (!m_array || m_isDue)
        return;
    const auto [begin, length] = window();
    emit wanted(m_array->uuid, begin, length.count);
}

void StripeTab::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    if (m_isDue)
        ask();
}

void StripeTab::showPlace()
{
    if (!m_array)
        return;
    const auto content = m_inData < 0
                             ? MemberContent{}
                             : contentAt(m_array->geometry, {m_role, {std::uint64_t(m_inData)}});
    const auto offset = dataOffset(m_role);
    const QSignalBlocker quietArray(m_arraySector);
    const QSignalBlocker quietMember(m_member);
    const QSignalBlocker quietSector(m_memberSector);
    m_arraySector->setValue(content.kind == Holds::Data ? double(content.arraySector.count) : -1);
    m_member->setCurrentIndex(m_role);
    m_memberSector->setEnabled(offset.has_value());
    m_memberSector->setToolTip(
        offset ? tr("Counted from the member's start, as disks and the kernel report errors.")
               : tr("There is no member in this slot."));
    m_memberSector->setValue(offset ? double(std::int64_t(offset->count) + m_inData) : -1);
    m_place->setText(placeText());
    m_hex->markMember(m_role);
}

QString StripeTab::placeText() const
{
    if (m_inData < 0) {
        const Member* member = memberInRole(*m_array, m_role);
        const auto sector = std::int64_t(dataOffset(m_role).value_or(Sectors{}).count) + m_inData;
        if (sector < 0)
            return tr("In front of the data");
        return tr("In front of the data  \u00b7  %1")
            .arg(text(word(regionAt(*member, {std::uint64_t(sector)}))));
    }
    const Sectors chunk = m_array->geometry.chunk;
    const auto content = contentAt(m_array->geometry, {m_role, {std::uint64_t(m_inData)}});
    QStringList parts;
    if (content.kind == Holds::Data) {
        parts.append(tr("Byte %1 of the array (%2)")
                .arg(numberText(content.arraySector.bytes()),
                    sizeText(content.arraySector.bytes())));
        if (chunk.count != 0) {
            parts.append(
                tr("data chunk %1").arg(numberText(content.arraySector.count / chunk.count)));
        }
    } else {
        parts.append(text(word(content.kind)));
    }
    if (chunk.count != 0 && m_array->geometry.level != 1)
        parts.append(tr("stripe %1").arg(numberText(std::uint64_t(m_inData) / chunk.count)));
    parts.append(
        tr("byte %1 of the members' data").arg(numberText(std::uint64_t(m_inData) * kSectorBytes)));
    return parts.join(QStringLiteral("  \u00b7  "));
}

void StripeTab::setStripe(const Uuid& array, std::int64_t begin, Result<StripeView> stripe)
{
    // What comes late is not what is looked at any more.
    if (!m_array || array != m_array->uuid || begin != window().first)
        return;
    if (!stripe) {
        m_pill->setBadge({tr("not read"), Shape::Cross, Tone::Bad});
        m_verdict->setText(text(stripe.error()));
        m_hex->setStripe({}, {});
        return;
    }
    showVerdict(*stripe);
    m_hex->setStripe(std::move(*stripe), m_names);
    m_hex->goTo(std::size_t(m_inData - begin) * kSectorBytes);
}

void StripeTab::showVerdict(const StripeView& stripe)
{
    m_pill->setBadge(badgeOf(stripe));
    m_verdict->setText(text(verdictOf(stripe)));
    const bool differs = std::ranges::any_of(
        stripe.cells, [](const StripeCell& cell) { return !cell.expected.empty(); });
    for (QPushButton* button : {m_previous, m_next}) {
        button->setEnabled(differs);
        button->setToolTip(differs ? QString() : tr("Nothing differs here."));
    }
}

} // namespace bitmend
