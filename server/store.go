package server

import "context"

// Store keeps what the vendor knows. It is safe for concurrent use. Package storetest is its conformance suite.
type Store interface {
	// View calls f to read. Each of its reads sees what was committed at one time, but two reads may see two times,
	// and all of them may lag behind Update where a replica serves them. Writing is an error.
	View(ctx context.Context, f func(Tx) error) error

	// Update calls f in a transaction, and commits if f returns nil. Where transactions collide it rolls back and
	// calls f again, so f must have no effect but on tx and on what it assigns anew each time.
	Update(ctx context.Context, f func(Tx) error) error
}

// Tx is what can be read and written. Reading what is absent is ErrNotFound, adding what is there ErrExists. Lists are in
// the order of their making, or of their names.
type Tx interface {
	Catalog
	Licenses
	Accounts
	Devices
	Ledger
}

// Catalog is what the vendor sells.
type Catalog interface {
	Product(ctx context.Context, name string) (Product, error)
	Products(ctx context.Context) ([]Product, error)
	PutProduct(ctx context.Context, p Product) error // adds or replaces
	Editions(ctx context.Context, product string) ([]Edition, error)
	PutEdition(ctx context.Context, e Edition) error // adds or replaces
}

// Licenses is what customers bought.
type Licenses interface {
	License(ctx context.Context, id string) (License, error)

	// LockLicense counts the license's revision and returns it. Until the transaction ends, no other one gets past its
	// own LockLicense of the same license.
	LockLicense(ctx context.Context, id string) (License, error)

	// Licenses lists up to limit licenses with ids after the given one, by id; of one product, or of all for "".
	Licenses(ctx context.Context, product, after string, limit int) ([]License, error)

	AddLicense(ctx context.Context, l License) error
	PutLicense(ctx context.Context, l License) error // what can change, but for Used and Revision

	// TakeSeat counts one seat more in use, unless all are. FreeSeat counts one less.
	TakeSeat(ctx context.Context, license string) (bool, error)
	FreeSeat(ctx context.Context, license string) error

	AddCode(ctx context.Context, c Code) error
	LicenseByCode(ctx context.Context, hash string) (License, error)
	Codes(ctx context.Context, license string) ([]Code, error)
	DeleteCodes(ctx context.Context, license string) error
}

// Accounts is who claims licenses with a password.
type Accounts interface {
	Account(ctx context.Context, email string) (Account, error)
	Accounts(ctx context.Context) ([]Account, error)
	AddAccount(ctx context.Context, a Account) error
	SetPassword(ctx context.Context, account, phc string) error
	DeleteAccount(ctx context.Context, account string) error       // with its claims
	Claim(ctx context.Context, account, license string) error      // does nothing if it is claimed
	Claims(ctx context.Context, account string) ([]License, error) // by time of making
}

// Devices is who holds seats.
type Devices interface {
	HolderByToken(ctx context.Context, hash string) (Holder, error)
	Holder(ctx context.Context, activation string) (Holder, error)

	// These list installations that live, oldest first.
	Activations(ctx context.Context, license string) ([]Installation, error)
	InSeat(ctx context.Context, seat string) ([]Installation, error)
	WithPrint(ctx context.Context, license, kind, print string) ([]Installation, error)

	AddInstallation(ctx context.Context, in Installation) error
	PutInstallation(ctx context.Context, in Installation) error // all but ID, License, Order and Created

	AddToken(ctx context.Context, t Token) error
	UseToken(ctx context.Context, t Token, at int64) error                       // ends the earlier ones of its installation
	DropUnused(ctx context.Context, installation string, upToNumber int64) error // forgets unused tokens

	AddMove(ctx context.Context, m Move) error
	Moves(ctx context.Context, license string, since int64) ([]Move, error)      // later than since
	Rebinds(ctx context.Context, license, seat string, since int64) (int, error) // how many moves of one seat are rebindings
	MoveHistory(ctx context.Context, fromSeat, toSeat string) error              // makes all moves of one seat another's
}

// Ledger is what the server keeps for itself.
type Ledger interface {
	Meta(ctx context.Context, name string) (string, error)
	InitMeta(ctx context.Context, name, value string) error // does nothing if the name is there

	Keys(ctx context.Context) ([]SealedKey, error)
	InitKey(ctx context.Context, k SealedKey) error // does nothing if the id is there
	AddKey(ctx context.Context, k SealedKey) error

	// LockKeys comes first in a transaction that adds or retires a key: until it ends, no other one gets past its own
	// LockKeys. A database that has no master key yet is ErrNotFound.
	LockKeys(ctx context.Context) error
	RetireKey(ctx context.Context, id string, at int64) error

	// Charge takes one from the allowance of key, which refills by one each interval up to burst. If there is nothing to
	// take it writes nothing, and wait says until when that is so. Times in nanoseconds (GCRA).
	Charge(ctx context.Context, key string, now, interval, burst int64) (wait int64, err error)

	// Purge forgets installations (with their tokens) that ended up to the one time, moves up to the other, and
	// allowances that are full again at now, in nanoseconds.
	Purge(ctx context.Context, ended, moved, now int64) error
}
