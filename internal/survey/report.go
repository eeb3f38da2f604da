package survey

import (
	"time"

	"voted/internal/poll"
)

// Report is what a member reports of itself to the others.
type Report struct {
	ID          string            `json:"id"`
	Peer        string            `json:"peer"`
	API         string            `json:"api"`
	Version     string            `json:"version"`
	FormatLevel uint32            `json:"reads"`           // the highest that its build reads
	Disk        string            `json:"disk"`            // drawn once per data directory
	Disks       map[string]string `json:"disks,omitempty"` // those on which it has seen the members
	Run         string            `json:"run"`             // drawn at each start
	// ClusterID is that of the cluster it belongs to, "" before it has entered one.
	ClusterID string            `json:"cluster_id,omitempty"`
	Member    bool              `json:"member"`             // it has entered a cluster
	Cluster   []Peer            `json:"cluster"`            // its --cluster line
	Founders  map[string]string `json:"founders,omitempty"` // the disks that founded the cluster, by member

	Term      uint64 `json:"term"`
	LastIndex uint64 `json:"last_index"`
	Leader    string `json:"leader"`
	LinkAlive bool   `json:"link_alive"` // its connection to the leader's process stands
	// Unheard is how long ago it last received something from the leader.
	Unheard time.Duration `json:"unheard"`
	Applied uint64        `json:"applied"`
	// Commit is the index up to which it knows the log to be committed, counted as Applied is;
	// 0: its build does not say.
	Commit uint64 `json:"commit,omitempty"`
	// Clock is the stamp of the last command that it has applied, in milliseconds since the
	// Unix epoch.
	Clock  int64  `json:"clock,omitempty"`
	Rates  *Rates `json:"rates,omitempty"`      // nil: its build does not say
	Digest string `json:"digest"`               // of the state at Applied
	Free   uint64 `json:"free_bytes,omitempty"` // on its disk
	Low    bool   `json:"disk_low,omitempty"`   // those are too few
	// Checkpoints are digests at earlier indexes, so that members that are not at one index
	// just now can be compared too.
	Checkpoints []poll.Checkpoint `json:"checkpoints,omitempty"`
	Backups     *Backups          `json:"backups,omitempty"` // nil: it keeps none
	Stale       []StaleFile       `json:"stale_files,omitempty"`
	// CertificateEnds is when the first of its certificates ends, zero if it has none.
	CertificateEnds time.Time `json:"certificate_ends,omitzero"`
	// ForkedLogs are the logs of polls that it never signs again, because it had signed what
	// they do not continue.
	ForkedLogs []string `json:"forked_logs,omitempty"`
	// Webhooks is its part in delivering webhooks; nil: it has no key file, and none.
	Webhooks *Webhooks `json:"webhooks,omitempty"`
	// MoveWaits is why the membership does not yet name its address, empty if the reason is
	// not known. MoveRefused: the reason has to be removed first.
	MoveWaits   string `json:"move_waits,omitempty"`
	MoveRefused bool   `json:"move_refused,omitempty"`
	// Twins are the addresses of second processes that it has seen, by member.
	Twins map[string]string `json:"twins,omitempty"`
	Now   time.Time         `json:"now"`
}

// Rates are what a member answered to clients in the last ten seconds.
type Rates struct {
	Ballots float64 `json:"ballots"` // a second, decided
	// P50 and P99 are milliseconds of single ballots; zero if there were none.
	P50 float64 `json:"p50_ms,omitempty"`
	P99 float64 `json:"p99_ms,omitempty"`
}

// Webhooks is what a member reports of its part in delivering webhooks.
type Webhooks struct {
	Key string `json:"key"` // names its key file, without telling anything of the keys
	// Allow are the networks and ports that its operators allow besides public addresses and the
	// ports of HTTPS; "http" stands for URLs without TLS.
	Allow []string `json:"allow,omitempty"`
	// Oldest is how old the oldest event is that an endpoint is still to get, while this
	// member delivers.
	Oldest time.Duration `json:"oldest,omitempty"`
	// Withheld is why it leads and does not deliver, a sentence.
	Withheld string `json:"withheld,omitempty"`
}

// Backups is what a member reports of the backups that it keeps of itself, by its own
// clock.
type Backups struct {
	Last   time.Time `json:"last,omitzero"`
	Failed bool      `json:"failed,omitempty"`
	Late   bool      `json:"late,omitempty"`
}

// StaleFile is a file of certificates, keys or tokens that has changed and could not be
// read again, so that what it held before is still in force.
type StaleFile struct {
	Path  string    `json:"path"`
	Since time.Time `json:"since"`
}
