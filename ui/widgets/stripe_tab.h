// SPDX-License-Identifier: Apache-2.0
// The Stripe tab: what lies where, from the array to its members and back, and for the chosen place
// one stripe over all members, byte by byte. Asks for the bytes it wants and is given them; reads
// nothing itself.
#pragma once

#include "engine/array/stripe_view.h"
#include "engine/array/sync.h"
#include "engine/session/source_list.h"

#include <QWidget>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QPushButton;

namespace bitmend {

class DifferencesList;
class Pill;
class StripeHex;

class StripeTab final : public QWidget
{
    Q_OBJECT

public:
    explicit StripeTab(QWidget* parent = nullptr);

    // False where places cannot be told: an unknown level, an array being reshaped.
    static bool canShow(const ArrayReport& array);

    void setArray(const ArrayReport& array, const std::vector<ScannedSource>& sources);
    void setStripe(const Uuid& array, std::int64_t begin, Result<StripeView> stripe);

    // What the array's last check or repair found, to be gone through; null: there was none.
    void setCompared(const std::shared_ptr<const SyncOutcome>& outcome);
    void goToFirstDifference();

    void goToArraySector(Sectors sector);
    void goToMemberSector(int role, std::int64_t inData); // from data_offset; negative before it

signals:
    void wanted(const bitmend::Uuid& array, qint64 begin, quint64 length);

protected:
    void showEvent(QShowEvent* event) override;

private:
    QLayout* makePlaceRow();
    QLayout* makeVerdictRow();
    void nameMembers(const std::vector<ScannedSource>& sources);
    void connectParts();
    void moveTo(int role, std::int64_t inData);
    void showPlace();
    void showVerdict(const StripeView& stripe);
    void ask();
    std::pair<std::int64_t, Sectors> window() const;
    std::optional<Sectors> dataOffset(int role) const;
    QString placeText() const;

    std::shared_ptr<const ArrayReport> m_array;
    int m_role = 0;
    std::int64_t m_inData = 0; // of the chosen sector
    bool m_isDue = false;      // to be asked for when it is seen

    QDoubleSpinBox* m_arraySector; // exact for whole numbers far beyond any array
    QComboBox* m_member;
    QDoubleSpinBox* m_memberSector;
    QPushButton* m_previous;
    QPushButton* m_next;
    QPushButton* m_again;
    QLabel* m_place;
    Pill* m_pill;
    QLabel* m_verdict;
    StripeHex* m_hex;
    DifferencesList* m_differences;
    QStringList m_names;
    std::vector<std::pair<std::string, const void*>> m_shown; // compared, not followed
};

} // namespace bitmend
