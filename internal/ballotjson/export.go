package ballotjson

import (
	"slices"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// Further are the names that an export has besides those of a ballot.
var Further = []string{"ballot", KeyName, "version", "index", "cast_at", "weight"}

// KeyName is what names the voter in exports of secret polls.
const KeyName = "voter_key"

func exported(name string) bool { return slices.Contains(Further, name) }

func unknown(name string) *refusal.Error {
	return fault(poll.Member("", name), "This name is not known here; leave it out, or correct its spelling.")
}

// DecodeLine is Decode for a line of a file, which may also be one that an export has
// written: its further names are taken, and listed in the result. A line with some of
// these names that is no export's is refused, since each of them alone may be meant to
// count. The voter of a secret poll's export is the voter's key.
func (d *Decoder) DecodeLine(data []byte) (Ballot, error) {
	d.file = true
	defer func() { d.file = false }()
	return d.Decode(data, true)
}

// further reads the value of one of an export's further names.
func (d *Decoder) further(b *Ballot, name string) error {
	if len(b.Further) == 0 {
		d.first = d.at
	}
	b.Further = append(b.Further, name)
	if name == KeyName {
		key, err := d.text(name)
		if b.Voter == "" {
			b.Voter = key
		}
		return err
	}
	if err := d.json.SkipValue(); err != nil {
		return d.syntax(err)
	}
	return nil
}

// export refuses further names where the line as a whole is no export's.
func (d *Decoder) export(b *Ballot) error {
	if len(b.Further) == 0 || IsExport(b.Further) {
		return nil
	}
	d.at = d.first
	return unknown(b.Further[0])
}

// IsExport reports whether these further names are those of an export.
func IsExport(further []string) bool {
	return slices.Contains(further, "version") && (slices.Contains(further, "ballot") || slices.Contains(further, KeyName))
}
