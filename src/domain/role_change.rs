//! Which role a user may be given in place of another (DOMAIN §9).

use super::viewer::Role;

/// Why a user's role stays what it is. The words are for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody gives themselves a role.
    #[error("You cannot change your own role. Ask another administrator.")]
    Own,
    /// Nobody would be left to give roles.
    #[error(
        "This is the last administrator who may sign in. Add another one, or make somebody one, before this one stops."
    )]
    LastAdministrator,
    /// Between a partner and the shipper.
    #[error(
        "A partner's user stays with the partner, and a user of the shipper with the shipper. Add a new user under another address, and switch this one off."
    )]
    OtherSide,
    /// Nothing to change.
    #[error("The user has this role already. Choose another one.")]
    Same,
}

/// A user whose role somebody would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The role as it is.
    pub role: Role,
    /// Whoever asks is the user.
    pub is_own: bool,
    /// No other administrator may sign in.
    pub is_last_administrator: bool,
}

impl Holder {
    /// Whether the user may become `to`.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(&self, to: Role) -> Result<(), Refused> {
        if self.is_own {
            Err(Refused::Own)
        } else if self.role == to {
            Err(Refused::Same)
        } else if self.role == Role::Partner || to == Role::Partner {
            Err(Refused::OtherSide)
        } else if self.is_last_administrator {
            Err(Refused::LastAdministrator)
        } else {
            Ok(())
        }
    }

    /// Every role the user may be given, in the order pages list them.
    ///
    /// # Errors
    /// Why there is none.
    pub fn choices(&self) -> Result<Vec<Role>, Refused> {
        let (choices, refused): (Vec<_>, Vec<_>) =
            Role::ALL.into_iter().map(|to| self.check(to).map(|()| to)).partition(Result::is_ok);
        if choices.is_empty() {
            let why = refused.into_iter().filter_map(Result::err).find(|why| *why != Refused::Same);
            return Err(why.unwrap_or(Refused::Same));
        }
        Ok(choices.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(role: Role) -> Holder {
        Holder { role, is_own: false, is_last_administrator: false }
    }

    #[test]
    fn a_user_of_the_shipper_may_become_any_other_of_the_shipper() {
        let choices = holder(Role::Finance).choices().unwrap();
        assert_eq!(
            choices,
            [Role::Admin, Role::Procurement, Role::CarrierManager, Role::Controller, Role::Auditor]
        );
        assert_eq!(holder(Role::Finance).check(Role::Controller), Ok(()));
        assert_eq!(holder(Role::Finance).check(Role::Finance), Err(Refused::Same));
    }

    #[test]
    fn nobody_changes_sides() {
        for role in Role::ALL {
            assert!(holder(role).check(Role::Partner).is_err(), "{role}");
            assert!(holder(Role::Partner).check(role).is_err(), "{role}");
        }
        assert_eq!(holder(Role::Finance).check(Role::Partner), Err(Refused::OtherSide));
        assert_eq!(holder(Role::Partner).choices(), Err(Refused::OtherSide));
    }

    #[test]
    fn an_administrator_is_left_and_nobody_gives_themselves_a_role() {
        let last = Holder { is_last_administrator: true, ..holder(Role::Admin) };
        assert_eq!(last.check(Role::Auditor), Err(Refused::LastAdministrator));
        assert_eq!(last.choices(), Err(Refused::LastAdministrator));
        assert_eq!(holder(Role::Admin).check(Role::Auditor), Ok(()), "another one is left");
        for role in Role::ALL {
            let own = Holder { is_own: true, ..holder(role) };
            assert_eq!(own.choices(), Err(Refused::Own), "{role}");
        }
    }
}
