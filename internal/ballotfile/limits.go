package ballotfile

import "voted/internal/ballotjson"

// MaxLineBytes bounds a line, or a record of CSV over several lines. It is that of the
// API's bulk route.
const MaxLineBytes = ballotjson.MaxLineBytes
