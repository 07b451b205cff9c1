//! The users page: who may sign in, adding one, switching one off, giving one another role.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::extract::{Form, SignedIn};
use super::page::{self, Page, WebError};
use super::show;
use crate::app::password::PasswordError;
use crate::app::user::{self, NewUser, UserError};
use crate::db::user::{UserRow, user_list, user_partner_choices};
use crate::domain::viewer::{Action, Role};
use crate::domain::words;

/// Users and partners shown at most.
const MAX_ROWS: i64 = 1_000;

struct Line {
    id: i64,
    name: String,
    email: String,
    role_title: &'static str,
    partner: Option<String>,
    active: bool,
    added: String,
    own: bool,
    /// The role can be changed: nobody changes sides or gives themselves one.
    may_change: bool,
}

#[derive(Template)]
#[template(path = "user/list.html")]
struct UsersPage {
    page: Page,
    summary: String,
    users: Vec<Line>,
    may_edit: bool,
    form: Form,
    roles: Vec<(&'static str, &'static str)>,
    partners: Vec<(String, String)>,
}

impl From<UserError> for WebError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Db(error) => error.into(),
            UserError::Unknown => Self::NotFound,
            UserError::OwnAccount | UserError::Role(_) | UserError::RoleChanged(_) => {
                Self::Conflict(error.to_string())
            }
            other => Self::BadRequest(other.to_string()),
        }
    }
}

async fn users_page(me: &SignedIn, form: Form) -> Result<UsersPage, WebError> {
    let (rows, partners) = me
        .in_db(|unit| {
            let rows = user_list(unit.db, MAX_ROWS)?;
            Ok::<_, WebError>((rows, user_partner_choices(unit.db, MAX_ROWS)?))
        })
        .await?;
    let active = rows.iter().filter(|(user, _)| user.active).count();
    let users = rows.into_iter().map(|row| line(me, row)).collect::<Result<Vec<_>, WebError>>()?;
    let none = ("".to_owned(), "No partner".to_owned());
    Ok(UsersPage {
        page: me.page("Users"),
        summary: format!("{} of {} may sign in.", words::figure(active), words::many(users.len(), "user")),
        users,
        may_edit: me.viewer.role.may(Action::EditUsers),
        form,
        roles: Role::ALL.map(|role| (role.code(), role.title())).to_vec(),
        partners: std::iter::once(none)
            .chain(partners.into_iter().map(|(id, name)| (id.to_string(), name)))
            .collect(),
    })
}

fn line(me: &SignedIn, (user, partner): (UserRow, Option<String>)) -> Result<Line, WebError> {
    let (role, own) = (user.role()?, user.id == me.viewer.user_id);
    Ok(Line {
        id: user.id,
        role_title: role.title(),
        own,
        may_change: !own && role != Role::Partner,
        name: user.name,
        email: user.email,
        partner,
        active: user.active,
        added: show::day(user.created_at.0.date_naive()),
    })
}

/// `GET /users`
pub(super) async fn list(me: SignedIn) -> Result<HttpResponse, WebError> {
    page::html(&users_page(&me, Form::filled([("role", Role::CarrierManager.code())])).await?)
}

/// `POST /users`
pub(super) async fn create(me: SignedIn, mut form: Form) -> Result<HttpResponse, WebError> {
    let role = form.read::<Role>("role", "Choose a role.");
    let partner_id = form.read_optional::<i64>("partner", "Choose a partner from the list.");
    let new = NewUser {
        email: form.required("email", "Give an e-mail address."),
        name: form.required("name", "Give a name."),
        role: role.unwrap_or(Role::Auditor),
        partner_id,
        password: form.raw("password").to_owned(),
    };
    if form.is_sound() {
        let name = new.name.clone();
        let added = me
            .in_db(move |unit| Ok::<_, WebError>(user::user_add(unit.app, unit.db, unit.viewer, &new)))
            .await?;
        match added {
            Ok(_) => {
                me.flash(&format!("{name} may sign in now."));
                return Ok(page::see_other("/users"));
            }
            Err(UserError::Db(error)) => return Err(error.into()),
            Err(UserError::Password(PasswordError::Hash)) => {
                return Err(anyhow::anyhow!("hashing failed").into());
            }
            Err(refusal) => form.fail(field_of(&refusal), refusal.to_string()),
        }
    }
    page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &users_page(&me, form).await?)
}

fn field_of(refusal: &UserError) -> &'static str {
    match refusal {
        UserError::Name => "name",
        UserError::Partner => "partner",
        UserError::Password(_) | UserError::CurrentPassword => "password",
        _ => "email",
    }
}

/// `POST /users/{id}/state`
pub(super) async fn state(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let Some(active) = form.read::<bool>("active", "") else {
        return Err(WebError::BadRequest("Say whether the user may sign in.".to_owned()));
    };
    me.in_db(move |unit| {
        let change = if active { user::user_enable } else { user::user_disable };
        change(unit.app, unit.db, unit.viewer, *id)
    })
    .await?;
    me.flash(if active {
        "The user may sign in again."
    } else {
        "The user is switched off; every session has ended."
    });
    Ok(page::see_other("/users"))
}

#[derive(Template)]
#[template(path = "user/role.html")]
struct RolePage {
    page: Page,
    form: Form,
    id: i64,
    name: String,
    email: String,
    /// Code and title of the role as it is.
    now: (&'static str, &'static str),
    /// Code, title and duty of each role there is to give.
    choices: Vec<(&'static str, &'static str, &'static str)>,
}

async fn role_page(me: &SignedIn, id: i64, form: Form) -> Result<RolePage, WebError> {
    let (user, choices) = me.in_db(move |unit| user::user_role_choices(unit.db, unit.viewer, id)).await?;
    let now = user.role()?;
    Ok(RolePage {
        page: me.page(format!("Role of {}", user.name)),
        form,
        id,
        name: user.name,
        email: user.email,
        now: (now.code(), now.title()),
        choices: choices.into_iter().map(|role| (role.code(), role.title(), role.duty())).collect(),
    })
}

/// `GET /users/{id}/role`
pub(super) async fn role_form(me: SignedIn, id: web::Path<i64>) -> Result<HttpResponse, WebError> {
    page::html(&role_page(&me, *id, Form::default()).await?)
}

/// `POST /users/{id}/role`
pub(super) async fn set_role(
    me: SignedIn,
    id: web::Path<i64>,
    mut form: Form,
) -> Result<HttpResponse, WebError> {
    let id = *id;
    let to = form.read::<Role>("role", "Choose the role the user is to have.");
    let seen = form.value("seen").parse::<Role>().ok();
    if !form.is("known", "yes") {
        form.fail("known", "Tick that you know what it means.");
    }
    let (Some(to), true) = (to, form.is_sound()) else {
        return page::html_with(StatusCode::UNPROCESSABLE_ENTITY, &role_page(&me, id, form).await?);
    };
    let Some(seen) = seen else {
        return Err(WebError::BadRequest("Open the form of the user's role and send that.".to_owned()));
    };
    let name =
        me.in_db(move |unit| user::user_set_role(unit.app, unit.db, unit.viewer, id, (seen, to))).await?;
    me.flash(&format!("{name} is {} now; every session has ended.", to.title()));
    Ok(page::see_other("/users"))
}
