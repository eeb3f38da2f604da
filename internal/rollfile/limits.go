package rollfile

// MaxLineBytes bounds a line of a roll: a fully escaped voter id, and the further
// columns of names and addresses that lists of members have.
const MaxLineBytes = 64 << 10
