//! From method and path to an operation and what it is done to.

use http::Method;
use percent_encoding::percent_decode_str;

/// What the journal calls a request of no known form.
pub(super) const UNKNOWN: &str = "unknown";

/// Connect's operations, by the names of its OpenAPI document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    GetVaults,
    GetVaultById,
    GetVaultItems,
    CreateVaultItem,
    GetVaultItemById,
    UpdateVaultItem,
    PatchVaultItem,
    DeleteVaultItem,
    GetItemFiles,
    GetDetailsOfFileById,
    DownloadFileByID,
    GetHeartbeat,
    GetServerHealth,
}

impl Operation {
    /// The name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GetVaults => "GetVaults",
            Self::GetVaultById => "GetVaultById",
            Self::GetVaultItems => "GetVaultItems",
            Self::CreateVaultItem => "CreateVaultItem",
            Self::GetVaultItemById => "GetVaultItemById",
            Self::UpdateVaultItem => "UpdateVaultItem",
            Self::PatchVaultItem => "PatchVaultItem",
            Self::DeleteVaultItem => "DeleteVaultItem",
            Self::GetItemFiles => "GetItemFiles",
            Self::GetDetailsOfFileById => "GetDetailsOfFileById",
            Self::DownloadFileByID => "DownloadFileByID",
            Self::GetHeartbeat => "GetHeartbeat",
            Self::GetServerHealth => "GetServerHealth",
        }
    }

    /// Whether it only reads.
    pub(super) fn reads(self) -> bool {
        !matches!(
            self,
            Self::CreateVaultItem
                | Self::UpdateVaultItem
                | Self::PatchVaultItem
                | Self::DeleteVaultItem
        )
    }
}

/// An operation and the ids in its path; empty where the path has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) operation: Operation,
    pub(super) vault: String,
    pub(super) item: String,
    pub(super) file: String,
}

/// Why a request has no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unrouted {
    /// No route has this path.
    Path,
    /// The route has other methods.
    Method,
}

/// Routes a request. A slash at the end counts for nothing.
pub(super) fn route(method: &Method, path: &str) -> Result<Route, Unrouted> {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let path = path.strip_suffix('/').unwrap_or(&path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let get = |operation| (method == Method::GET).then_some(operation);
    let (operation, ids): (Option<Operation>, &[&str]) = match segments.as_slice() {
        ["heartbeat"] => (get(Operation::GetHeartbeat), &[]),
        ["health"] => (get(Operation::GetServerHealth), &[]),
        ["v1", "vaults"] => (get(Operation::GetVaults), &[]),
        ["v1", "vaults", vault] => (get(Operation::GetVaultById), &[vault]),
        ["v1", "vaults", vault, "items"] => (of_items(method), &[vault]),
        ["v1", "vaults", vault, "items", item] => (of_item(method), &[vault, item]),
        ["v1", "vaults", vault, "items", item, "files"] => {
            (get(Operation::GetItemFiles), &[vault, item])
        }
        ["v1", "vaults", vault, "items", item, "files", file] => {
            (get(Operation::GetDetailsOfFileById), &[vault, item, file])
        }
        [
            "v1",
            "vaults",
            vault,
            "items",
            item,
            "files",
            file,
            "content",
        ] => (get(Operation::DownloadFileByID), &[vault, item, file]),
        _ => return Err(Unrouted::Path),
    };
    let id = |index: usize| ids.get(index).copied().unwrap_or_default().to_owned();
    Ok(Route {
        operation: operation.ok_or(Unrouted::Method)?,
        vault: id(0),
        item: id(1),
        file: id(2),
    })
}

fn of_items(method: &Method) -> Option<Operation> {
    match *method {
        Method::GET => Some(Operation::GetVaultItems),
        Method::POST => Some(Operation::CreateVaultItem),
        _ => None,
    }
}

fn of_item(method: &Method) -> Option<Operation> {
    match *method {
        Method::GET => Some(Operation::GetVaultItemById),
        Method::PUT => Some(Operation::UpdateVaultItem),
        Method::PATCH => Some(Operation::PatchVaultItem),
        Method::DELETE => Some(Operation::DeleteVaultItem),
        _ => None,
    }
}

/// Whether a text has the form of Connect's ids.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 26
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
