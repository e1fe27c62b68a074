package token

var SystemKeyring = systemKeyring
