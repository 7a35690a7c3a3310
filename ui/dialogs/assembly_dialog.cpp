// SPDX-License-Identifier: Apache-2.0
#include "ui/dialogs/assembly_dialog.h"

#include "engine/array/restore_file.h"
#include "ui/actions.h"
#include "ui/badge.h"
#include "ui/models/members_model.h"
#include "ui/outcomes.h"
#include "ui/text.h"
#include "ui/widgets/force_changes.h"
#include "ui/widgets/force_choices.h"
#include "ui/widgets/verdict_box.h"
#include "ui/widgets/writes_view.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDir>
#include <QFileDialog>
#include <QFormLayout>
#include <QGroupBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRadioButton>
#include <QStandardPaths>
#include <QStorageInfo>
#include <QTabWidget>
#include <QTreeWidget>
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

QLabel* note(QWidget* parent)
{
    auto* label = new QLabel(parent);
    label->setWordWrap(true);
    label->setTextFormat(Qt::PlainText);
    label->setForegroundRole(QPalette::PlaceholderText);
    return label;
}

bool holdsOverlays(const QString& folder)
{
    return QDir(folder).exists() && !QDir(folder).isEmpty();
}

} // namespace

QString suggestedOverlayFolder(const ArrayReport& array)
{
    const QString base = QStandardPaths::writableLocation(QStandardPaths::AppLocalDataLocation) +
                         QStringLiteral("/overlays/") + plainName(array.name);
    QString folder = base;
    for (int next = 2; QDir(folder).exists(); ++next)
        folder = QStringLiteral("%1-%2").arg(base).arg(next);
    return folder;
}

AssemblyDialog::AssemblyDialog(Engine& engine, const ArrayView& array, QWidget* parent)
    : QDialog(parent)
    , m_engine(engine)
    , m_array(array)
    , m_restoreFile(defaultRestoreFile(array.report).string())
{
    setObjectName(QStringLiteral("assemblyDialog"));
    const QString name = QString::fromStdString(array.report.name);
    setWindowTitle(tr("Assemble %1").arg(name));

    m_verdict = new VerdictBox(this);
    m_writes = new WritesView(this);
    m_force = new ForceChoices(array.report, this);
    m_force->setVisible(m_force->isOffered());
    m_changes = new ForceChanges(this);
    m_changes->hide();
    m_results = new QTabWidget(this);
    m_results->setObjectName(QStringLiteral("planResults"));
    m_results->setAccessibleName(tr("What would be written"));
    m_results->setDocumentMode(true);
    m_results->setTabBarAutoHide(true);
    m_results->addTab(m_writes, tr("&Byte ranges"));
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_assemble = buttons->addButton(tr("Assemble"), QDialogButtonBox::AcceptRole);
    m_assemble->setObjectName(QStringLiteral("assembleNow"));
    m_assemble->setProperty("primary", true);
    m_assemble->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(20, 18, 20, 16);
    column->setSpacing(8);
    column->addWidget(m_verdict);
    column->addSpacing(6);
    column->addWidget(makeMembers(), 2);
    column->addWidget(m_force);
    column->addSpacing(6);
    column->addWidget(makeWriting());
    column->addSpacing(6);
    column->addWidget(heading(tr("What would be written"), this));
    column->addWidget(m_results, 2);
    column->addSpacing(4);
    column->addWidget(buttons);
    resize(760, m_force->isOffered() ? 780 : 660);

    fillMembers();
    connect(m_members, &QTreeWidget::itemChanged, this, &AssemblyDialog::replan);
    connect(m_reference, &QComboBox::currentIndexChanged, this, &AssemblyDialog::replan);
    connect(m_readOnly, &QRadioButton::toggled, this, &AssemblyDialog::replan);
    connect(m_inPlace, &QRadioButton::toggled, this, &AssemblyDialog::replan);
    connect(m_seen, &QCheckBox::toggled, this, &AssemblyDialog::permit);
    connect(m_folder, &QLineEdit::editingFinished, this, &AssemblyDialog::replan);
    connect(m_force, &ForceChoices::changed, this, &AssemblyDialog::replan);
    replan();
    m_assemble->setFocus();
}

QWidget* AssemblyDialog::makeMembers()
{
    auto* part = new QWidget(this);
    m_members = new QTreeWidget(part);
    m_members->setObjectName(QStringLiteral("planMembers"));
    m_members->setAccessibleName(tr("Members that take part"));
    m_members->setColumnCount(3);
    m_members->setHeaderLabels({tr("Member"), tr("State"), tr("Why")});
    m_members->setRootIsDecorated(false);
    m_members->setMinimumHeight(110);
    m_members->header()->setStretchLastSection(true);
    m_members->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_members->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);

    m_reference = new QComboBox(part);
    m_reference->setObjectName(QStringLiteral("planReference"));
    m_referenceLabel = new QLabel(tr("&Take as the newest:"), part);
    m_referenceLabel->setBuddy(m_reference);
    auto* choice = new QHBoxLayout;
    choice->addWidget(m_referenceLabel);
    choice->addWidget(m_reference, 1);

    auto* column = new QVBoxLayout(part);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    column->addWidget(heading(tr("Which members take part"), part));
    column->addWidget(m_members, 1);
    column->addLayout(choice);
    return part;
}

QWidget* AssemblyDialog::makeWriting()
{
    auto* part = new QWidget(this);
    m_onOverlay = new QRadioButton(
        tr("On &overlays: the members are only read, what is written goes to files in a folder"),
        part);
    m_onOverlay->setObjectName(QStringLiteral("onOverlay"));
    m_readOnly = new QRadioButton(tr("&Read only: nothing is written anywhere"), part);
    m_readOnly->setObjectName(QStringLiteral("readOnly"));
    (m_array.report.opens == Opens::ReadOnly ? m_readOnly : m_onOverlay)->setChecked(true);
    m_inPlace =
        new QRadioButton(tr("&In place: what is written goes to the members themselves"), part);
    m_inPlace->setObjectName(QStringLiteral("inPlace"));
    m_inPlaceRow = new QWidget(part);
    auto* saved = note(m_inPlaceRow);
    saved->setText(
        tr("There is no way back for data that is written. What lies where metadata will be "
           "written is saved first, to %1; \u201cbitmendctl restore\u201d puts it back. Nothing "
           "outside the list below is written.")
            .arg(pathText(m_restoreFile)));
    m_seen = new QCheckBox(tr("I &have seen the list below, and want it written"), m_inPlaceRow);
    m_seen->setObjectName(QStringLiteral("seenWrites"));
    auto* inPlace = new QVBoxLayout(m_inPlaceRow);
    inPlace->setContentsMargins(24, 0, 0, 0);
    inPlace->setSpacing(4);
    inPlace->addWidget(saved);
    inPlace->addWidget(m_seen);

    m_folderRow = new QWidget(part);
    m_folder = new QLineEdit(m_folderRow);
    m_folder->setObjectName(QStringLiteral("overlayFolder"));
    m_folder->setAccessibleName(tr("Folder for the overlays"));
    m_folder->setText(m_array.overlay.empty() ? suggestedOverlayFolder(m_array.report)
                                              : pathText(m_array.overlay.string()));
    auto* browse = new QPushButton(tr("&Choose\u2026"), m_folderRow);
    browse->setAutoDefault(false);
    connect(browse, &QPushButton::clicked, this, &AssemblyDialog::chooseFolder);
    m_folderNote = note(m_folderRow);
    auto* folder = new QGridLayout(m_folderRow);
    folder->setContentsMargins(24, 0, 0, 0);
    folder->setVerticalSpacing(4);
    folder->addWidget(m_folder, 0, 0);
    folder->addWidget(browse, 0, 1);
    folder->addWidget(m_folderNote, 1, 0, 1, 2);

    auto* column = new QVBoxLayout(part);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(6);
    column->addWidget(heading(tr("Where writes go"), part));
    column->addWidget(m_onOverlay);
    column->addWidget(m_folderRow);
    column->addWidget(m_readOnly);
    column->addWidget(m_inPlace);
    column->addWidget(m_inPlaceRow);
    return part;
}

void AssemblyDialog::fillMembers()
{
    m_reference->addItem(tr("the member with the highest event count"), QString());
    for (const auto& member : m_array.report.members) {
        if (member.path.empty())
            continue;
        auto* item = new QTreeWidgetItem(m_members);
        item->setText(0, nameOf(member.path));
        item->setToolTip(0, pathText(member.path));
        item->setData(0, kPathRole, pathText(member.path));
        item->setFlags(item->flags() | Qt::ItemIsUserCheckable);
        item->setCheckState(0, Qt::Checked);
        m_reference->addItem(
            tr("%1, events %2").arg(nameOf(member.path), numberText(member.events)),
            pathText(member.path));
    }
    const bool choice = m_array.report.needs == Needs::Choice;
    m_reference->setVisible(choice);
    m_referenceLabel->setVisible(choice);
}

WriteMode AssemblyDialog::mode() const
{
    if (m_inPlace->isChecked())
        return WriteMode::InPlace;
    return m_readOnly->isChecked() ? WriteMode::ReadOnly : WriteMode::Overlay;
}

AssemblyChoices AssemblyDialog::choices() const
{
    AssemblyChoices choices;
    choices.mode = mode();
    if (choices.mode == WriteMode::InPlace)
        choices.restoreFile = m_restoreFile;
    choices.reference = pathOf(m_reference->currentData().toString());
    for (int row = 0; row < m_members->topLevelItemCount(); ++row) {
        const auto* item = m_members->topLevelItem(row);
        if (item->checkState(0) != Qt::Checked)
            choices.leaveOut.push_back(pathOf(item->data(0, kPathRole).toString()));
    }
    m_force->addTo(choices);
    return choices;
}

void AssemblyDialog::replan()
{
    m_folderRow->setEnabled(m_onOverlay->isChecked());
    describeFolder();
    // Whoever changes what would be written has not seen it yet.
    m_seen->setChecked(false);
    m_inPlaceRow->setVisible(mode() == WriteMode::InPlace);
    layout()->activate();
    resize(width(), std::max(height(), layout()->minimumHeightForWidth(width())));
    // What lies in the overlays decides, so they are read; read-only, the sources as they are
    // listed.
    const std::filesystem::path folder = overlay();
    if (folder == m_array.overlay ||
        (!folder.empty() && !holdsOverlays(m_folder->text()) && m_array.overlay.empty())) {
        m_planning.reset();
        show(m_engine.plan(m_array.report.uuid, choices()));
        return;
    }
    m_planned = false;
    permit();
    m_planning = std::make_unique<QFutureWatcher<Result<AssemblyPlan>>>();
    connect(m_planning.get(), &QFutureWatcher<Result<AssemblyPlan>>::finished, this,
        [this] { show(m_planning->result()); });
    m_planning->setFuture(m_engine.planOn(m_array.report.uuid, choices(), folder).result);
}

void AssemblyDialog::show(const Result<AssemblyPlan>& plan)
{
    m_planned = plan.has_value();
    if (!plan) {
        m_verdict->setError(text(plan.error()));
        permit();
        m_assemble->setToolTip(text(plan.error()));
        return;
    }
    m_plan = *plan;
    const ArrayView planned{m_plan.array, std::nullopt, {}};
    m_verdict->setVerdict(badgeOf(planned, Activity::None).tone, verdictOf(planned));
    permit();

    const QSignalBlocker quiet(m_members);
    for (int row = 0; row < m_members->topLevelItemCount(); ++row) {
        auto* item = m_members->topLevelItem(row);
        const std::string path = pathOf(item->data(0, kPathRole).toString());
        for (const auto& member : m_plan.array.members) {
            if (member.path != path)
                continue;
            item->setText(1, text(word(member.state)));
            const QString reason = reasonText(member);
            item->setText(2, reason.isEmpty() ? tr("up to date") : reason);
            item->setToolTip(2, reason);
        }
    }
    m_writes->setWrites(m_plan.writes,
        m_plan.array.canStart ? tr("Nothing.")
                              : tr("Nothing: as things are, the array cannot be assembled."),
        mode() == WriteMode::InPlace
            ? tr("all of it to the members, when the array is resynced and stopped")
            : tr("all of it to the overlays, when the array is resynced and stopped"));
    showForce();
}

// The button says what it does, and whether it may.
void AssemblyDialog::permit()
{
    switch (mode()) {
    case WriteMode::ReadOnly:
        m_assemble->setText(tr("Assemble read-only"));
        break;
    case WriteMode::Overlay:
        m_assemble->setText(tr("Assemble on overlays"));
        break;
    case WriteMode::InPlace:
        m_assemble->setText(tr("Assemble and write to %1 members")
                .arg(m_planned ? numberText(m_plan.taking.size()) : QString()));
        break;
    }
    QString reason = m_planned ? whyNotOpened(m_plan.array, mode()) : QString();
    if (reason.isEmpty() && mode() == WriteMode::InPlace && !m_seen->isChecked())
        reason = tr("Look at the list of what would be written, and say so first.");
    m_assemble->setEnabled(m_planned && reason.isEmpty());
    m_assemble->setToolTip(reason);
}

void AssemblyDialog::showForce()
{
    const bool forced = m_plan.force && m_plan.array.canStart;
    if (forced) {
        m_changes->show(*m_plan.force, m_plan.array);
        if (m_results->count() == 1)
            m_results->addTab(m_changes, tr("What &force changes"));
    } else if (m_results->count() == 2) {
        m_results->removeTab(1);
    }
}

void AssemblyDialog::describeFolder()
{
    const QString folder = m_folder->text();
    QDir existing(folder);
    while (!existing.exists() && existing.path() != QDir::rootPath() && !existing.path().isEmpty())
        existing.setPath(QFileInfo(existing.path()).path());
    const QStorageInfo storage(existing);
    QString words;
    if (holdsOverlays(folder)) {
        words = tr("The folder is not empty: overlays of these members in it are continued. ");
    } else if (!QDir(folder).exists()) {
        words = tr("The folder will be made. ");
    }
    words += tr("%1 free there; overlays take only what is written.")
                 .arg(sizeText(std::uint64_t(storage.bytesAvailable())));
    m_folderNote->setText(words);
}

void AssemblyDialog::chooseFolder()
{
    const QString folder = QFileDialog::getExistingDirectory(
        this, tr("Folder for the overlays"), QFileInfo(m_folder->text()).path());
    if (folder.isEmpty())
        return;
    m_folder->setText(folder);
    replan();
}

std::filesystem::path AssemblyDialog::overlay() const
{
    return mode() != WriteMode::Overlay ? std::filesystem::path()
                                        : std::filesystem::path(pathOf(m_folder->text()));
}

} // namespace bitmend
