package token

// securityOutcome gives the exit status of /usr/bin/security its meaning. The status is the low byte of an OSStatus,
// whose numbers are in Security/SecBase.h and, for userCanceledErr, MacErrors.h.
func securityOutcome(status int) error {
	switch status {
	case 44: // errSecItemNotFound, -25300
		return ErrAbsent
	case 36: // errSecInteractionNotAllowed, -25308: locked, and no way to show a dialog, as in an ssh session
		return ErrLocked
	case 51: // errSecAuthFailed, -25293: wrong password, or an access list that does not name us
		return ErrDeclined
	case 128: // userCanceledErr, -128
		return ErrDeclined
	case 37, 50, 53: // errSecNoDefaultKeychain, -25307; errSecNoSuchKeychain, -25294; errSecNotAvailable, -25291
		return ErrUnsupported
	}
	return ErrLocked
}

// credentialOutcome gives an error code of Windows its meaning. Sources: the pages of CredReadW and CredWriteW, and
// the list of system error codes, at learn.microsoft.com.
func credentialOutcome(code uint32) error {
	switch code {
	case 1168: // ERROR_NOT_FOUND
		return ErrAbsent
	case 1312: // ERROR_NO_SUCH_LOGON_SESSION: a network logon has no credentials
		return ErrUnsupported
	case 50, 120, 1062, 1722: // ERROR_NOT_SUPPORTED, _CALL_NOT_IMPLEMENTED, _SERVICE_NOT_ACTIVE, RPC_S_SERVER_UNAVAILABLE
		return ErrUnsupported
	case 5: // ERROR_ACCESS_DENIED
		return ErrDeclined
	case 1223: // ERROR_CANCELLED
		return ErrDeclined
	case 1783: // RPC_X_BAD_STUB_DATA: what CredWriteW says of more than CRED_MAX_CREDENTIAL_BLOB_SIZE, 2,560 bytes
		return ErrTooLarge
	}
	return ErrLocked
}
