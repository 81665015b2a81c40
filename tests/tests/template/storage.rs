//! What is stored outlives mistakes, and is open to nobody.

use crate::spoil::{Faults, Template, holds};

const TABLE: &str = "AWS::DynamoDB::Table";
const BUCKET: &str = "AWS::S3::Bucket";
const SECRET: &str = "AWS::SecretsManager::Secret";

#[test]
fn what_is_stored_outlives_the_stack() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, resource) in [TABLE, BUCKET, SECRET]
            .into_iter()
            .flat_map(|kind| template.resources(kind))
        {
            let policies = [
                &resource["DeletionPolicy"],
                &resource["UpdateReplacePolicy"],
            ];
            faults.unless(policies == ["Retain", "Retain"], id, "must be retained");
        }
    }
    holds(
        rule,
        &[
            ("DeletionPolicy: Retain", "DeletionPolicy: Delete"),
            ("UpdateReplacePolicy: Retain", "UpdateReplacePolicy: Delete"),
        ],
    );
}

#[test]
fn a_table_can_be_restored_and_not_be_deleted() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, table) in template.of(TABLE) {
            let restored = &table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
            faults.unless(*restored == true, id, "must be restorable");
            faults.unless(
                table["DeletionProtectionEnabled"] == true,
                id,
                "must be protected",
            );
            faults.unless(
                table["SSESpecification"]["SSEEnabled"] == true,
                id,
                "must be encrypted",
            );
        }
    }
    holds(
        rule,
        &[
            (
                "DeletionProtectionEnabled: true",
                "DeletionProtectionEnabled: false",
            ),
            (
                "PointInTimeRecoveryEnabled: true",
                "PointInTimeRecoveryEnabled: false",
            ),
            ("SSEEnabled: true", "SSEEnabled: false"),
        ],
    );
}

#[test]
fn a_bucket_is_private_encrypted_and_emptied() {
    fn rule(template: &Template, faults: &mut Faults) {
        for (id, bucket) in template.of(BUCKET) {
            let block = &bucket["PublicAccessBlockConfiguration"];
            let names = [
                "BlockPublicAcls",
                "BlockPublicPolicy",
                "IgnorePublicAcls",
                "RestrictPublicBuckets",
            ];
            faults.unless(
                names.iter().all(|name| block[name] == true),
                id,
                "must be private",
            );
            let encryption = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0];
            let algorithm = &encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"];
            faults.unless(algorithm.is_string(), id, "must be encrypted");
            let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
            let emptied = rule["Status"] == "Enabled" && rule["ExpirationInDays"].is_u64();
            faults.unless(emptied, id, "must not keep personal fields for ever");
        }
    }
    holds(
        rule,
        &[
            ("BlockPublicAcls: true", "BlockPublicAcls: false"),
            (
                "RestrictPublicBuckets: true",
                "RestrictPublicBuckets: false",
            ),
            ("SSEAlgorithm: AES256", "# no algorithm"),
            ("Status: Enabled", "Status: Disabled"),
            ("ExpirationInDays: 14", "# for ever"),
        ],
    );
}

#[test]
fn every_function_logs_to_a_group_that_forgets() {
    fn rule(template: &Template, faults: &mut Faults) {
        const GROUP: &str = "AWS::Logs::LogGroup";
        for (id, group) in template.of(GROUP) {
            faults.unless(!group["RetentionInDays"].is_null(), id, "must forget");
        }
        for (id, function) in template.functions() {
            let group = crate::spoil::id_of(&function["LoggingConfig"]["LogGroup"]);
            faults.unless(template.is_a(group, GROUP), id, "must have a log group");
        }
        for (id, api) in template.of("AWS::Serverless::HttpApi") {
            let group = crate::spoil::id_of(&api["AccessLogSettings"]["DestinationArn"]);
            faults.unless(template.is_a(group, GROUP), id, "must log its accesses");
        }
        let format = &template.globals()["LoggingConfig"]["LogFormat"];
        faults.unless(format == "JSON", "Globals", "must log as JSON");
    }
    holds(
        rule,
        &[
            ("RetentionInDays: !Ref LogRetentionDays", "# for ever"),
            ("LogGroup: !Ref ", "NoLogGroup: !Ref "),
            ("DestinationArn: !GetAtt ApiLogs.Arn", "# nowhere"),
            ("LogFormat: JSON", "LogFormat: Text"),
        ],
    );
}
