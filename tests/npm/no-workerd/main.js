module.exports = { default: "", compatibilityDate: "2026-11-17", version: "2026-11-17" };
