import type { Knex } from 'knex';

const TABLE = `
  -- Every object of the raw store that an import of a data source has used, current or not: what deleting it removes.
  create table raw_objects (
    organization_id text collate "C" not null,
    data_source_id text collate "C" not null,
    sha256 text collate "C" not null,
    noted_at timestamptz not null,
    primary key (data_source_id, sha256),
    foreign key (organization_id, data_source_id) references data_sources (organization_id, id)
  );
  create index raw_objects_by_digest on raw_objects (organization_id, sha256);

  insert into raw_objects
    select i.organization_id, i.data_source_id, f.sha256, min(i.created_at)
    from billing_import_files f
    join billing_imports i on i.id = f.import_id
    join data_sources d on d.id = i.data_source_id and d.state <> 'deleted'
    group by 1, 2, 3;
`;

/** What the raw store holds for each data source. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(TABLE);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`drop table raw_objects`);
}
