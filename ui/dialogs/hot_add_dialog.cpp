// SPDX-License-Identifier: Apache-2.0
#include "ui/dialogs/hot_add_dialog.h"

#include "ui/outcomes.h"
#include "ui/text.h"
#include "ui/widgets/writes_view.h"

#include <QDialogButtonBox>
#include <QFileDialog>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>

namespace bitmend {

namespace {

constexpr int kPathRole = Qt::UserRole;

QLabel* heading(const QString& words, QWidget* parent)
{
    auto* label = new QLabel(words, parent);
    QFont bold = label->font();
    bold.setWeight(QFont::DemiBold);
    label->setFont(bold);
    return label;
}

// A source that is no member of anything and could become one.
bool isBlank(const ScannedSource& source)
{
    return source.report && !source.report->error && source.report->found.empty() &&
           source.report->partitions.empty() && !source.report->externalBitmap;
}

} // namespace

HotAddDialog::HotAddDialog(
    Engine& engine, const ArrayView& array, std::string original, QWidget* parent)
    : QDialog(parent)
    , m_engine(engine)
    , m_uuid(array.report.uuid)
    , m_array(QString::fromStdString(array.report.name))
    , m_original(std::move(original))
    , m_candidates(new QListWidget(this))
    , m_cost(new QLabel(this))
    , m_writes(new WritesView(this))
{
    setObjectName(QStringLiteral("hotAddDialog"));
    const bool replaces = !m_original.empty();
    setWindowTitle(
        replaces ? tr("Replace %1").arg(nameOf(m_original)) : tr("Hot-add to %1").arg(m_array));
    m_candidates->setObjectName(QStringLiteral("candidates"));
    m_candidates->setAccessibleName(tr("New member"));
    m_candidates->setMinimumHeight(90);
    m_cost->setWordWrap(true);
    m_cost->setTextFormat(Qt::PlainText);
    m_cost->setObjectName(QStringLiteral("hotAddCost"));

    auto* choose = new QPushButton(tr("&Choose another image\u2026"), this);
    choose->setAutoDefault(false);
    connect(choose, &QPushButton::clicked, this, &HotAddDialog::chooseFile);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_add = buttons->addButton(
        replaces ? tr("Replace") : tr("Add and recover"), QDialogButtonBox::AcceptRole);
    m_add->setObjectName(QStringLiteral("addNow"));
    m_add->setProperty("primary", true);
    m_add->setDefault(true);
    m_add->setEnabled(false);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 18, 20, 16);
    column->setSpacing(8);
    column->addWidget(heading(replaces ? tr("New member in place of %1").arg(nameOf(m_original))
                                       : tr("New member for %1").arg(m_array),
        this));
    column->addWidget(m_candidates, 1);
    column->addWidget(choose, 0, Qt::AlignLeft);
    column->addSpacing(6);
    column->addWidget(heading(tr("What it takes"), this));
    column->addWidget(m_cost);
    column->addSpacing(6);
    column->addWidget(heading(tr("What would be written"), this));
    column->addWidget(m_writes, 2);
    column->addSpacing(4);
    column->addWidget(buttons);
    resize(680, 560);

    for (const auto& member : array.report.members) {
        if (member.state == MemberState::Spare)
            addCandidate(member.path, nameOf(member.path), tr("a spare of this array"));
    }
    for (const auto& source : engine.sources()) {
        if (isBlank(source)) {
            addCandidate(source.path, nameOf(source.path, source.label),
                tr("%1, no RAID on it").arg(sizeText(source.report->sizeBytes)));
        }
    }
    connect(m_candidates, &QListWidget::currentRowChanged, this, &HotAddDialog::replan);
    if (m_candidates->count() > 0) {
        m_candidates->setCurrentRow(0);
    } else {
        m_cost->setText(tr("None of the opened sources is a spare or blank. Choose the image of a "
                           "disk that may be overwritten; on overlays it is only read."));
    }
    m_writes->setWrites({}, tr("Nothing yet."), {});
}

void HotAddDialog::addCandidate(const std::string& path, const QString& name, const QString& note)
{
    auto* item = new QListWidgetItem(tr("%1 \u2013 %2").arg(name, note), m_candidates);
    item->setData(kPathRole, pathText(path));
    item->setToolTip(pathText(path));
}

void HotAddDialog::chooseFile()
{
    const QString path = QFileDialog::getOpenFileName(this, tr("Image of the new member"));
    if (path.isEmpty())
        return;
    addCandidate(pathOf(path), nameOf(pathOf(path)), tr("chosen by you"));
    m_candidates->setCurrentRow(m_candidates->count() - 1);
}

void HotAddDialog::replan()
{
    m_add->setEnabled(false);
    const auto* item = m_candidates->currentItem();
    if (!item)
        return;
    const std::string path = pathOf(item->data(kPathRole).toString());
    m_cost->setText(tr("Looking at %1\u2026").arg(nameOf(path)));
    m_planning = std::make_unique<QFutureWatcher<Result<HotAddPlan>>>();
    connect(m_planning.get(), &QFutureWatcher<Result<HotAddPlan>>::finished, this,
        [this] { show(m_planning->result()); });
    m_planning->setFuture(m_engine.planHotAdd(m_uuid, path, m_original).result);
}

void HotAddDialog::show(const Result<HotAddPlan>& plan)
{
    if (!plan) {
        m_cost->setText(text(plan.error()));
        m_writes->setWrites({}, tr("Nothing."), {});
        return;
    }
    m_plan = *plan;
    const bool replaces = !plan->replaces.empty();
    m_add->setText(replaces ? tr("Replace by %1").arg(nameOf(plan->path))
                            : tr("Add %1 and recover").arg(nameOf(plan->path)));
    m_add->setEnabled(true);
    m_writes->setWrites(plan->writes, tr("Nothing."), tr("all of it to the overlays"));
    if (replaces) {
        m_cost->setText(tr(
            "%1 gets slot %2 beside %3 and is made its copy; what %3 does not give comes from the "
            "others. Only when it has all, %3 leaves the array. This %4.")
                .arg(nameOf(plan->path))
                .arg(plan->role)
                .arg(nameOf(plan->replaces), costOf(plan->recovery)));
        return;
    }
    m_cost->setText(
        tr("%1 becomes slot %2. First its superblock as a spare and every page of the bitmap (%3) "
           "are written to it, then its role to all members. The recovery that follows %4.")
            .arg(nameOf(plan->path))
            .arg(plan->role)
            .arg(numberText(plan->bitmapPages))
            .arg(costOf(plan->recovery)));
}

} // namespace bitmend
