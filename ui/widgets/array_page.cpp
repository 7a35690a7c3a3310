// SPDX-License-Identifier: Apache-2.0
#include "ui/widgets/array_page.h"

#include "ui/outcomes.h"
#include "ui/text.h"
#include "ui/widgets/bitmap_heatmap.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/members_view.h"
#include "ui/widgets/pill.h"
#include "ui/widgets/stripe_tab.h"
#include "ui/widgets/superblocks_view.h"
#include "ui/widgets/verdict_box.h"

#include <QHBoxLayout>
#include <QTabWidget>
#include <QVBoxLayout>

namespace bitmend {

namespace {

constexpr int kMargin = 22;

} // namespace

ArrayPage::ArrayPage(QWidget* parent)
    : QWidget(parent)
    , m_title(new ElidedLabel(this))
    , m_pill(new Pill(this))
    , m_subtitle(new ElidedLabel(this))
    , m_verdict(new VerdictBox(this))
    , m_tabs(new QTabWidget(this))
    , m_members(new MembersView(m_model, this))
    , m_heatmap(new BitmapHeatmap(this))
    , m_noBitmap(new QLabel(this))
    , m_superblocks(new SuperblocksView(this))
    , m_stripe(new StripeTab(this))
{
    setObjectName(QStringLiteral("arrayPage"));
    QFont big = font();
    big.setPointSizeF(font().pointSizeF() * 1.55);
    big.setWeight(QFont::Bold);
    m_title->setFont(big);
    m_title->setTextFormat(Qt::PlainText);
    m_title->setObjectName(QStringLiteral("arrayTitle"));
    m_title->setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
    m_subtitle->setTextFormat(Qt::PlainText);
    m_subtitle->setForegroundRole(QPalette::PlaceholderText);
    m_subtitle->setObjectName(QStringLiteral("arraySubtitle"));
    m_tabs->setDocumentMode(true);
    m_tabs->setAccessibleName(tr("Views of the array"));
    m_tabs->addTab(makeOverview(), tr("Overview"));
    m_tabs->addTab(m_superblocks, tr("Superblocks"));
    m_tabs->addTab(m_stripe, tr("Stripe"));
    connect(m_heatmap, &BitmapHeatmap::selectionChanged, this, &ArrayPage::showStripeOf);

    connect(m_members, &MembersView::chosenChanged, this, &ArrayPage::memberChosen);
    connect(m_members, &MembersView::menuWanted, this, &ArrayPage::memberMenuWanted);

    auto* heading = new QHBoxLayout;
    heading->setSpacing(12);
    heading->addWidget(m_title);
    heading->addWidget(m_pill, 0, Qt::AlignVCenter);
    heading->addStretch(1);

    auto* page = new QVBoxLayout(this);
    page->setContentsMargins(kMargin, 16, kMargin, 8);
    page->setSpacing(0);
    page->addLayout(heading);
    page->addSpacing(2);
    page->addWidget(m_subtitle);
    page->addSpacing(12);
    page->addWidget(m_verdict);
    page->addSpacing(10);
    page->addWidget(m_tabs, 1);
}

QWidget* ArrayPage::makeOverview()
{
    auto* overview = new QWidget(this);
    m_noBitmap->setText(tr("This array has no write-intent bitmap. Where it is not known to be in "
                           "sync, all of it has to be resynced."));
    m_noBitmap->setWordWrap(true);
    m_noBitmap->setForegroundRole(QPalette::PlaceholderText);
    m_noBitmap->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    auto* column = new QVBoxLayout(overview);
    column->setContentsMargins(0, 2, 0, 8);
    column->setSpacing(14);
    column->addWidget(m_members);
    column->addWidget(m_heatmap, 1);
    column->addWidget(m_noBitmap, 1);
    return overview;
}

void ArrayPage::setArray(
    const ArrayView& array, Activity activity, const std::vector<ScannedSource>& sources)
{
    const auto& report = array.report;
    const Badge badge = badgeOf(array, activity);
    m_title->setText(QString::fromStdString(report.name));
    m_title->updateGeometry();
    m_pill->setBadge(badge);
    m_subtitle->setText(subtitleOf(array));
    m_subtitle->setToolTip(tr("%1\nUUID %2")
            .arg(exactSize(report.arraySize.bytes()),
                QString::fromStdString(toString(report.uuid))));
    m_verdict->setVerdict(badge.tone, verdictOf(array));
    const std::string chosen = m_members->chosen();
    m_isOpen = array.assembled.has_value();
    m_model.setLabels(sources);
    m_model.setMembers(report.members);
    if (m_shown == report.uuid)
        m_members->choose(chosen);
    showSuperblocks(report.members);
    const bool mapped = StripeTab::canShow(report);
    m_tabs->setTabVisible(m_tabs->indexOf(m_stripe), mapped);
    if (mapped)
        m_stripe->setArray(report, sources);
    if (m_shown != report.uuid)
        m_heatmap->setFrame({}); // nothing of the last array's selection stays
    m_shown = report.uuid;
}

// What is selected in the bitmap is what the stripes begin with.
void ArrayPage::showStripeOf(quint64 chunk)
{
    const auto frame = m_heatmap->frame();
    if (!frame)
        return;
    const Sectors sector{chunk * (frame->chunkBytes / kSectorBytes)};
    if (frame->arrayAddressed) {
        m_stripe->goToArraySector(sector);
    } else {
        m_stripe->goToMemberSector(0, std::int64_t(sector.count));
    }
}

// Only when they changed: what is selected and scrolled to in the tab stays while a scan goes on.
void ArrayPage::showSuperblocks(const std::vector<Member>& members)
{
    std::vector<std::pair<std::string, const void*>> shown;
    for (const auto& member : members) {
        shown.emplace_back(member.path, member.superblock.get());
        shown.emplace_back(member.path, member.bitmap.get());
    }
    if (shown == m_shownSuperblocks)
        return;
    m_shownSuperblocks = std::move(shown);
    m_superblocks->setMembers(members);
}

void ArrayPage::setFrame(const BitmapFramePtr& frame)
{
    m_heatmap->setFrame(frame);
    m_model.setBits(m_isOpen ? frame : nullptr);
    m_heatmap->setVisible(frame && frame->chunks > 0);
    m_noBitmap->setVisible(!frame || frame->chunks == 0);
}

void ArrayPage::setCompared(const std::shared_ptr<const SyncOutcome>& outcome)
{
    m_stripe->setCompared(outcome);
}

void ArrayPage::showDifferences()
{
    m_tabs->setCurrentWidget(m_stripe);
    m_stripe->goToFirstDifference();
}

std::string ArrayPage::chosenMember() const { return m_members->chosen(); }

void ArrayPage::setStep(QAction* step) { m_verdict->setStep(step); }

} // namespace bitmend
