//! project_list
